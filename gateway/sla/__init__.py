"""Clocks as rows: started when the customer was promised a person, stopped by what people do. Timers are work rows."""
