"""The command `report`: one page of HTML about runs, or about a study, that needs no other file and no network."""
