"""An office opened for this process: its clock, its keys, its database.

Apart from `app`, so that a process without screens starts without them.
"""

from huigong import clock, database, migrations, vault
from huigong.config import Settings


def open_office(settings: Settings) -> None:
    """Fix or free the clock, open keys and database. Raises StartRefused with the cure."""
    clock.fix(settings.today)
    vault.unlock(settings.keys)
    database.connect_to(settings.database_url)
    migrations.check_current()
