"""The HTTP door: what programs ask for, in the words of the API's text. Loaded only where `api.listen` opens it."""
