"""The document room: any TIFF becomes one canonical fax TIFF, in a process that can do nothing else.

`sandbox.Renderer` is the way in. This module stays empty on purpose: the render process imports it too, and what
that process does not load cannot be used against us.
"""
