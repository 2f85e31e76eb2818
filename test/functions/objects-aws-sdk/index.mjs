import { GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

// What everyone writes first: reads what was uploaded, writes something of it beside. Nothing here knows of Hearth.
const s3 = new S3Client({});

export const handler = async (event) => {
  for (const record of event.Records) {
    const Bucket = record.s3.bucket.name;
    const Key = decodeURIComponent(record.s3.object.key.replaceAll('+', ' '));
    const { Body } = await s3.send(new GetObjectCommand({ Bucket, Key }));
    const text = await Body.transformToString();
    await s3.send(new PutObjectCommand({ Bucket: 'results', Key: `${Key}.txt`, Body: `${text.length} bytes` }));
  }
};
