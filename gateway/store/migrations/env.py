"""What alembic runs for every command: the connection, and its transaction, are Store.upgrade's."""

from alembic import context

from gateway.store.schema import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,  # SQLite has it too, where BEGIN is sent before
)
with context.begin_transaction():
    context.run_migrations()
