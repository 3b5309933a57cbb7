"""What differs between databases in reading JSON, and is said nowhere else."""

from sqlalchemy import ColumnElement, Connection, Integer, cast, func
from sqlalchemy.dialects import postgresql


def number_in(connection: Connection, column: ColumnElement[str], name: str) -> ColumnElement[int]:
    """Return a whole number that stands in a column's JSON under a name."""
    if connection.dialect.name == "postgresql":
        return cast(func.json_extract_path_text(cast(column, postgresql.JSON), name), Integer)
    return cast(func.json_extract(column, f"$.{name}"), Integer)
