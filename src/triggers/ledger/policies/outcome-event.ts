import type { NewDelivery } from '../../../model/delivery.ts';

/** The outcome of an invocation as a CloudEvent in its JSON form, with Lambda's record as its data. Its id is the delivery's, the same at every attempt. */
export function outcomeEvent(
  delivery: Pick<NewDelivery, 'id' | 'sourceArn' | 'subject' | 'occurredAtMs' | 'lineage' | 'payload'>,
  ended: 'succeeded' | 'failed',
): Buffer {
  const attributes = {
    specversion: '1.0',
    id: delivery.id,
    source: delivery.sourceArn,
    type: `hearth.invocation.${ended}`,
    ...(delivery.subject === '' ? {} : { subject: printable(delivery.subject) }),
    time: new Date(delivery.occurredAtMs).toISOString(),
    datacontenttype: 'application/json',
    // What comes back to a function here by this is the same chain of events.
    hearthlineage: delivery.lineage,
  };
  return Buffer.concat([Buffer.from(`${JSON.stringify(attributes).slice(0, -1)},"data":`), delivery.payload, Buffer.from('}')]);
}

/** A CloudEvent in CloudEvents' binary mode: attributes as headers, its data as the body. */
export function binaryMessage(event: Buffer): { headers: Record<string, string>; body: Buffer } {
  const { data, datacontenttype, ...attributes } = JSON.parse(event.toString()) as Record<string, unknown>;
  const headers = Object.entries(attributes).map(([name, value]) => [`ce-${name}`, escaped(String(value))] as const);
  return {
    headers: { 'content-type': String(datacontenttype), ...Object.fromEntries(headers) },
    body: Buffer.from(JSON.stringify(data)),
  };
}

/** An attribute has no control characters, which a key may. */
function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- these are the characters meant
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f\ufffe\uffff]/g, '\ufffd');
}

/** As CloudEvents has it in headers: spaces, quotes, percent signs and all beyond ASCII as percent-encoded UTF-8. */
function escaped(text: string): string {
  return text.replaceAll(/[^\u0021\u0023\u0024\u0026-\u007e]+/gu, (run) =>
    [...Buffer.from(run)].map((byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}
