"""The rehearsal behind `make demo`: real-shaped conversations, three sandbox helpdesks, and what agents then see."""
