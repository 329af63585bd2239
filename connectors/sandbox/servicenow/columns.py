"""
The columns of the tables: all 82 of an incident in the base system, their defaults, labels and references.
source: a create answer of April 2020 (demisto/content, MIT) and ServiceNow's Table API samples (Apache-2.0),
read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# Set in a new incident when nothing was asked for; every other column is "".
DEFAULTS: Final[Mapping[str, str]] = {
    "active": "true",
    "approval": "not requested",
    "category": "inquiry",
    "child_incidents": "0",
    "escalation": "0",
    "impact": "3",
    "incident_state": "1",
    "knowledge": "false",
    "made_sla": "true",
    "notify": "1",
    "reassignment_count": "0",
    "reopen_count": "0",
    "severity": "3",
    "state": "1",
    "sys_class_name": "incident",
    "sys_domain": "global",
    "sys_domain_path": "/",
    "sys_mod_count": "0",
    "upon_approval": "proceed",
    "upon_reject": "cancel",
    "urgency": "3",
}

EMPTY: Final = (
    *("activity_due", "additional_assignee_list", "approval_history", "approval_set", "assigned_to"),
    *("assignment_group", "business_duration", "business_service", "business_stc", "calendar_duration"),
    *("calendar_stc", "caller_id", "caused_by", "close_code", "close_notes", "closed_at", "closed_by", "cmdb_ci"),
    *("comments", "comments_and_work_notes", "company", "contact_type", "correlation_display", "correlation_id"),
    *("delivery_plan", "delivery_task", "description", "due_date", "expected_start", "follow_up", "group_list"),
    *("hold_reason", "location", "number", "opened_at", "opened_by", "order", "parent", "parent_incident"),
    *("priority", "problem_id", "reopened_by", "reopened_time", "resolved_at", "resolved_by", "rfc"),
    *("short_description", "sla_due", "subcategory", "sys_created_by", "sys_created_on", "sys_id", "sys_tags"),
    *("sys_updated_by", "sys_updated_on", "time_worked", "user_input", "watch_list", "work_end", "work_notes"),
    *("work_notes_list", "work_start"),
)
INCIDENT: Final = tuple(sorted((*DEFAULTS, *EMPTY)))

# Column → the table its value is a sys_id of.
REFERENCES: Final[Mapping[str, str]] = {
    "assigned_to": "sys_user",
    "assignment_group": "sys_user_group",
    "business_service": "cmdb_ci_service",
    "caller_id": "sys_user",
    "caused_by": "change_request",
    "closed_by": "sys_user",
    "cmdb_ci": "cmdb_ci",
    "company": "core_company",
    "location": "cmn_location",
    "opened_by": "sys_user",
    "parent": "task",
    "parent_incident": "incident",
    "problem_id": "problem",
    "reopened_by": "sys_user",
    "resolved_by": "sys_user",
    "rfc": "change_request",
    "sys_domain": "sys_user_group",
}
JOURNALS: Final = ("work_notes", "comments")

# Longer text is cut without a word (lengths of the base dictionary, unverified).
LENGTHS: Final[Mapping[str, int]] = {"short_description": 160, "description": 4000, "correlation_id": 100}

STATES: Final[Mapping[str, str]] = {
    "1": "New",
    "2": "In Progress",
    "3": "On Hold",
    "6": "Resolved",
    "7": "Closed",
    "8": "Canceled",
}
PRIORITIES: Final[Mapping[str, str]] = {
    "1": "1 - Critical",
    "2": "2 - High",
    "3": "3 - Moderate",
    "4": "4 - Low",
    "5": "5 - Planning",
}
LEVELS: Final[Mapping[str, str]] = {"1": "1 - High", "2": "2 - Medium", "3": "3 - Low"}
HOLD_REASONS: Final[Mapping[str, str]] = {
    "1": "Awaiting Caller",
    "3": "Awaiting Problem",
    "4": "Awaiting Vendor",
    "5": "Awaiting Change",
}
LABELS: Final[Mapping[str, Mapping[str, str]]] = {
    "state": STATES,
    "incident_state": STATES,
    "priority": PRIORITIES,
    "impact": LEVELS,
    "urgency": LEVELS,
    "severity": LEVELS,
    "hold_reason": HOLD_REASONS,
}

# (impact, urgency) → priority. source: "Priority lookup rules", ServiceNow documentation.
MATRIX: Final[Mapping[tuple[str, str], str]] = {
    ("1", "1"): "1",
    ("1", "2"): "2",
    ("1", "3"): "3",
    ("2", "1"): "2",
    ("2", "2"): "3",
    ("2", "3"): "4",
    ("3", "1"): "3",
    ("3", "2"): "4",
    ("3", "3"): "5",
}

OTHER_TABLES: Final[Mapping[str, tuple[str, ...]]] = {
    "sys_user": ("sys_id", "user_name", "name", "first_name", "last_name", "email", "phone", "active"),
    "sys_user_group": ("sys_id", "name", "description", "active"),
    "sys_journal_field": ("sys_id", "name", "element", "element_id", "value", "sys_created_on", "sys_created_by"),
    "sys_dictionary": ("sys_id", "name", "element", "internal_type", "max_length", "column_label", "active"),
    "sys_script": (
        *("sys_id", "name", "collection", "when", "order", "action_insert", "action_update", "action_delete"),
        *("filter_condition", "advanced", "active", "script", "sys_created_on"),
    ),
    "sys_properties": (
        *("sys_id", "name", "value", "type", "description", "is_private", "read_roles", "write_roles"),
        "sys_created_on",
    ),
    "dl_u_priority": ("sys_id", "impact", "urgency", "priority", "active"),
    "task_sla": ("sys_id", "task", "sla", "stage", "has_breached", "planned_end_time", "percentage"),
}
