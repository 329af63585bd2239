"""How fast, by whose hours, and who comes: calendars, tiers, clocks, ladders, rosters, callbacks. All pure."""
