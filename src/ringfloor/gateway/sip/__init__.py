"""SIP: the calls of trunks and of desk phones, over sippy."""
