"""Pipelines: the work that repositories do with Node scripts, by the engine itself or by those scripts."""
