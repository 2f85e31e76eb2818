/** Python that uses EventBridge and Scheduler by boto3, and prints what it found as JSON. */
export function botoScript(functionArn: string, roleArn: string): string {
  return `
import boto3, datetime, json
events, scheduler = boto3.client("events"), boto3.client("scheduler")
rule = events.put_rule(Name="boto", EventPattern=json.dumps({"source": ["boto"]}))["RuleArn"]
events.put_targets(Rule="boto", Targets=[{"Id": "f", "Arn": "${functionArn}", "Input": json.dumps({"boto": True})}])
put = events.put_events(Entries=[{"Source": "boto", "DetailType": "t", "Detail": "{}", "Time": datetime.datetime(2026, 1, 1)}])
end = datetime.datetime(2031, 1, 1, tzinfo=datetime.timezone.utc)
scheduler.create_schedule(Name="boto", ScheduleExpression="rate(1 hour)", EndDate=end, FlexibleTimeWindow={"Mode": "OFF"}, Target={"Arn": "${functionArn}", "RoleArn": "${roleArn}"})
found = scheduler.get_schedule(Name="boto")
names = [s["Name"] for page in scheduler.get_paginator("list_schedules").paginate(GroupName="default", NamePrefix="boto") for s in page["Schedules"]]
scheduler.delete_schedule(Name="boto", GroupName="default")
try:
    scheduler.get_schedule(Name="boto")
    gone = None
except scheduler.exceptions.ResourceNotFoundException as error:
    gone = str(error)
print(json.dumps([rule, put["FailedEntryCount"], found["EndDate"] == end, names, gone]))
`;
}
