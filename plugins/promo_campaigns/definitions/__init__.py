"""What campaign authors write in ``include/``: messages, data sources, audiences, workflows, stock levels.

Errors name the file and line. ``workflow.py`` holds every setting of a workflow; all else about them comes from it.
"""

__all__ = [
    "dag_files",
    "definitions",
    "list_file",
    "published",
    "receiver_checks",
    "sample_answers",
    "stock_level_file",
    "workflow",
    "workflow_files",
    "workflow_notes",
    "workflow_parts",
    "workflow_specs",
]
