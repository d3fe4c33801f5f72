"""Answer cards: a question, its verdict over many draws, and what would change it."""

from detente.cards.card import Card, play
from detente.cards.evaluate import PointVerdict, evaluate
from detente.cards.question import Question, load_question, question_names

__all__ = [
    "Card", "PointVerdict", "Question", "evaluate", "load_question", "play", "question_names",
]  # fmt: skip
