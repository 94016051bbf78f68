"""Pages, model cards and terminal text, made from documents."""
