"""remit-auth: one PAM conversation on one connection from remitd, and then gone."""
