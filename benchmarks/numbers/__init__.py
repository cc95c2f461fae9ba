"""The numbers of the README and the documents: recorded by commands, compared with the texts by a test."""
