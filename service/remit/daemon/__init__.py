"""remitd: root, without network; who may open which session, and where the sessions are."""
