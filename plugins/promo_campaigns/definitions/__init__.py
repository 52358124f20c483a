"""What campaign authors write in ``include/``: messages, data sources, audiences, workflows.

Errors name the file and line; ``workflow.schema.json`` is what editors check with.
"""

__all__ = ["definitions", "sample_answers", "workflow", "workflow_files", "workflow_schema", "workflow_specs"]
