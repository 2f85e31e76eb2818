/** Something about the picture or the request that the caller can change. */
export class PictureError extends Error {
  override readonly name = 'PictureError';
  readonly statusCode: number;

  /** @param statusCode 400: not understood, 413: too large, 502: its address did not give it. */
  constructor(statusCode: 400 | 413 | 502, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
  }
}
