"""Alembic's entry: runs the migrations over the connection that `gateway.db.migrate` hands in, in its transaction."""

from alembic import context

from gateway.db.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=False,
)
context.run_migrations()
