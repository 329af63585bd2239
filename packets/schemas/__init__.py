"""
What may cross a border, checked: the canonical vendor event coming in (`canonical.py`), the packet as it is stored and
handed on (`packet.py`), and the JSON Schemas other programs read (`published/`, written by `export.py`).
"""
