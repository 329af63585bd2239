"""How fast: tiers, their targets, and when each clock is due. Wall clock time; business calendars are not read yet."""
