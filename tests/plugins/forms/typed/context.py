from dataclasses import dataclass, field
from enum import Enum


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Judged:
    entity_id: str
    subject: str = ""
    data: dict = field(default_factory=dict)


class Book:
    def __init__(self):
        self.entries = []


@dataclass
class JudgeServices:
    book: Book = field(default_factory=Book)


class ReadService:
    def read(self, who):
        return f"{who[:8]} reads"
