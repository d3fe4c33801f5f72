# The public names and where each lives: the only list. Type checkers and editors read it, and so
# does `import detente`, which loads a name from its module when it is first used.
from .law.apply import apply as apply
from .ledger import load_ledger as load_ledger
from .outcome import Outcome as Outcome
from .outcome import simulate as simulate
from .outcome.audit import Audit as Audit
from .outcome.audit import audit as audit
from .outcome.gradient import exposure as exposure
from .outcome.gradient import gradient as gradient
from .outcome.gradient import jacobian as jacobian
from .policy import Policy as Policy
from .runs import run as run
from .runs.many import simulate_many as simulate_many
from .tariff_war.cooperate import cooperate as cooperate
from .tariff_war.cooperate import nash_bargain as nash_bargain
from .tariff_war.deterrence import deterrence as deterrence
from .tariff_war.escalation import escalate as escalate
from .tariff_war.lobby import lobby_weights as lobby_weights
from .tariff_war.nash import nash as nash
from .tariff_war.optimal import optimal_tariff as optimal_tariff
from .tariff_war.retaliation import explain_rate as explain_rate
from .tariff_war.retaliation import least_answer as least_answer
from .tariff_war.retaliation import retaliate as retaliate
from .version import __version__ as __version__
from .world import World as World
from .world import load_world as load_world
