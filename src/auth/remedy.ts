/** What a caller whose request is not signed, or by no key of this server, can do about it: the end of such an error's text. */
export const REMEDY = `Requests to this server are signed by a key of its own: eval "$(hearth keys env)" gives it to AWS's tools and SDKs.`;
