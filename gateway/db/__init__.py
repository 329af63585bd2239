"""Storage: tables, engine, migrations, work rows. The rooms keep their own SQL in `<room>/store.py`."""
