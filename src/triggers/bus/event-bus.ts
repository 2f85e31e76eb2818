import { fits, type EventPattern } from '../../lib/event-pattern.ts';
import type { DeliveryIntake, NewDelivery } from '../../model/delivery.ts';
import { DEFAULT_BUS, type EventRule, type Published } from '../../model/event-rule.ts';
import type { TriggerLog } from '../trigger.ts';
import { busDelivery, type TargetLookup } from './bus-deliveries.ts';
import { isWhole, targetInput } from './target-input.ts';

export interface EventBusDeps {
  readonly intake: DeliveryIntake;
  readonly lookup: TargetLookup;
  readonly ruleArn: (rule: EventRule) => string;
  readonly log: TriggerLog;
}

/** The event buses: events go to the targets of every rule of their bus whose pattern they fit. */
export class EventBus {
  readonly #deps: EventBusDeps;
  /** Enabled rules that have a pattern, by their ids. */
  readonly #rules = new Map<string, { readonly rule: EventRule; readonly pattern: EventPattern }>();

  constructor(deps: EventBusDeps) {
    this.#deps = deps;
  }

  /** Serves a rule as it is from now on. Its pattern was checked. */
  set(rule: EventRule): void {
    if (!rule.enabled || rule.pattern === null) this.#rules.delete(rule.ruleId);
    else this.#rules.set(rule.ruleId, { rule, pattern: JSON.parse(rule.pattern) as EventPattern });
  }

  remove(ruleId: string): void {
    this.#rules.delete(ruleId);
  }

  /** Puts events into the ledger for all whom they concern; durable when it resolves. Rejects with ServiceUnavailable while the database is away. */
  async publish(events: readonly Published[]): Promise<void> {
    await this.#deps.intake.accept(events.flatMap((published) => this.deliveries(published)));
  }

  /** What an event comes to, for who puts it into the ledger himself. */
  deliveries(published: Published): NewDelivery[] {
    const { event, bus = DEFAULT_BUS } = published;
    return [...this.#rules.values()]
      .filter(({ rule, pattern }) => (rule.bus ?? DEFAULT_BUS) === bus && rule.targets.length > 0 && fits(pattern, event))
      .flatMap(({ rule }) => this.#ofRule(rule, published));
  }

  #ofRule(rule: EventRule, { event, lineage, traceId }: Published): NewDelivery[] {
    const { lookup, ruleArn, log } = this.#deps;
    const arn = ruleArn(rule);
    const words = { ruleName: rule.name, ruleArn: arn, ingestedAt: event.time };
    const happening = {
      id: `event:${event.id}:${rule.ruleId}`,
      source: 'events' as const,
      sourceArn: arn,
      subject: `${event.source} ${event['detail-type']}`,
      lineage,
      traceId,
      occurredAtMs: Date.parse(event.time),
    };
    return rule.targets.flatMap((target) => {
      const delivery = busDelivery(
        happening,
        target,
        { payload: targetInput(target, event, words), event: isWhole(target) ? null : event },
        lookup,
      );
      if (delivery === null)
        log.warn({ rule: rule.name, target: target.Arn, event: event.id }, 'a target of a rule is not there; it misses an event');
      return delivery ?? [];
    });
  }
}
