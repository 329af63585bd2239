"""The table of vendors in docs/vendors.md is that of the adapters."""

from pathlib import Path

from gateway.vendors.table import markdown_table, vendor_rows

ROOT = Path(__file__).resolve().parents[2]


def test_the_table_of_vendors_is_made_from_the_adapters():
    """After a change: baton vendor list --markdown. A vendor that was taken out may stay in it until then."""
    document = (ROOT / "docs" / "vendors.md").read_text("utf-8").splitlines()

    assert [row for row in markdown_table(vendor_rows()).splitlines() if row not in document] == []


def test_every_vendor_says_how_to_switch_it_on():
    missing = [
        row.readme for row in vendor_rows() if f"vendor: {row.name}" not in (ROOT / row.readme).read_text("utf-8")
    ]

    assert missing == []


def test_every_option_of_a_vendor_is_explained_in_its_readme():
    missing = {
        f"{row.name}: {option}"
        for row in vendor_rows()
        for option in row.options
        if f"`{option}`" not in (ROOT / row.readme).read_text("utf-8")
    }

    assert missing == set()
