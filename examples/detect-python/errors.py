class PictureError(Exception):
    """Something about the picture or the request that the caller can change."""

    def __init__(self, status_code: int, message: str):
        """status_code is 400: not understood, 413: too large, 502: its address did not give it."""
        super().__init__(message)
        self.status_code = status_code
