import assert from 'node:assert/strict';
import {
  EventBridgeClient,
  PutEventsCommand,
  PutRuleCommand,
  PutTargetsCommand,
  type PutEventsRequestEntry,
} from '@aws-sdk/client-eventbridge';
import { SchedulerClient } from '@aws-sdk/client-scheduler';
import { CreateQueueCommand, ReceiveMessageCommand, SQSClient, type Message } from '@aws-sdk/client-sqs';
import { Diary, type Entry } from './diary.ts';
import { handlerOf, languages, TestServer } from './platform-server.ts';
import { clientOptions } from './server-credentials.ts';
import { until } from './until.ts';

export const ACCOUNT = 'us-east-1:000000000000';
export const FUNCTION = `arn:aws:lambda:${ACCOUNT}:function:diary`;
export const ROLE = 'arn:aws:iam::000000000000:role/r';

interface WorldQueue {
  readonly url: string;
  readonly arn: string;
  /** The next message's body. */
  receive(): Promise<string>;
  /** The next message with all its attributes. */
  message(): Promise<Message>;
}

/** A server with a function `diary` that tells what it gets, and AWS's clients of what gives it events. */
export class BusWorld {
  server: TestServer;
  readonly diary: Diary;
  events!: EventBridgeClient;
  scheduler!: SchedulerClient;
  sqs!: SQSClient;

  private constructor(server: TestServer, diary: Diary) {
    this.server = server;
    this.diary = diary;
    this.#connect();
  }

  static async open(): Promise<BusWorld> {
    const server = await TestServer.start();
    const diary = await Diary.open();
    const [node] = await languages();
    const manifest = { runtime: node?.runtime, handler: handlerOf('node'), environment: { DIARY: diary.url } };
    await server.deploy('diary', 'triggers-diary', manifest);
    return new BusWorld(server, diary);
  }

  /** Stops the server and starts it with what is stored. */
  async restart(): Promise<void> {
    this.#disconnect();
    await this.server.stop();
    this.server = await TestServer.start({ home: this.server.home });
    this.#connect();
  }

  async close(): Promise<void> {
    this.#disconnect();
    await this.diary[Symbol.asyncDispose]();
    assert.deepEqual(await this.server.end(), []);
  }

  async rule(Name: string, more: object, targets: object[]): Promise<void> {
    await this.events.send(new PutRuleCommand({ Name, ...more }));
    await this.events.send(new PutTargetsCommand({ Rule: Name, Targets: targets as never }));
  }

  async put(...entries: Partial<PutEventsRequestEntry>[]) {
    const Entries = entries.map((e) => ({ Source: 'shop', DetailType: 'Order', Detail: '{"n":1}', ...e }));
    return this.events.send(new PutEventsCommand({ Entries }));
  }

  heard(fits: (event: Record<string, unknown>) => boolean): Promise<Entry> {
    return until(() => this.diary.entries.find((e) => fits(e.event)));
  }

  async queue(QueueName: string, Attributes: Record<string, string> = {}): Promise<WorldQueue> {
    const { QueueUrl: url = '' } = await this.sqs.send(new CreateQueueCommand({ QueueName, Attributes }));
    const message = (): Promise<Message> =>
      until(async () => {
        const wanted = { QueueUrl: url, WaitTimeSeconds: 20, MessageAttributeNames: ['All'] };
        return (await this.sqs.send(new ReceiveMessageCommand(wanted))).Messages?.[0];
      });
    return { url, arn: `arn:aws:sqs:${ACCOUNT}:${QueueName}`, message, receive: async () => (await message()).Body ?? '' };
  }

  #connect(): void {
    const options = clientOptions(this.server);
    this.events = new EventBridgeClient(options);
    this.scheduler = new SchedulerClient(options);
    this.sqs = new SQSClient(options);
  }

  #disconnect(): void {
    for (const client of [this.events, this.scheduler, this.sqs]) client.destroy();
  }
}
