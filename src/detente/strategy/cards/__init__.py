"""Answer cards: a question, its verdict over many draws, and what would change it."""

from detente.strategy.cards.card import Card, play
from detente.strategy.cards.evaluate import PointVerdict, evaluate
from detente.strategy.cards.question import Question, load_question, question_names

__all__ = [
    "Card", "PointVerdict", "Question", "evaluate", "load_question", "play", "question_names",
]  # fmt: skip
