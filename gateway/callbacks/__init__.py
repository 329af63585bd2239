"""Appointments: offered when nobody is free, booked, kept in mind, kept or missed."""
