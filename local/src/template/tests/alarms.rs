//! Alarms: one counts log lines that the functions write, one what stream functions gave up on.

use std::collections::BTreeSet;

use functions::dynamo::damage::DAMAGED;

use super::*;

/// The names and properties of the resources of a type.
fn resources(document: &Value, of_type: &str) -> Vec<(String, Value)> {
    let all = document["Resources"].as_object().unwrap().iter();
    let found = all.filter(|(_, resource)| resource["Type"] == of_type);
    found.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
}

fn alarm(document: &Value, name: &str) -> Value {
    let alarms = resources(document, "AWS::CloudWatch::Alarm");
    let topic = |alarm: &Value| alarm["AlarmActions"]["Fn::If"][1][0]["Ref"] == "AlarmTopic";
    assert!(alarms.len() == 2 && alarms.iter().all(|(_, alarm)| topic(alarm)));
    alarms.into_iter().find(|(of, _)| of == name).unwrap().1
}

#[test]
fn every_queue_of_undelivered_records_has_an_alarm() {
    let document: Value = serde_saphyr::from_str(&text()).unwrap();
    let alarm = alarm(&document, "UndeliveredAlarm");
    let queue = &alarm["Dimensions"][0];
    assert_eq!((&alarm["Namespace"], &queue["Name"]), (&"AWS/SQS".into(), &"QueueName".into()));
    assert_eq!(alarm["MetricName"], "ApproximateNumberOfMessagesVisible");
    assert_eq!((&alarm["Statistic"], &alarm["Threshold"]), (&"Maximum".into(), &1.into()));
    let watched = queue["Value"]["Fn::GetAtt"][0].clone();
    let functions = resources(&document, "AWS::Serverless::Function");
    let events = functions.iter().filter_map(|(_, function)| function["Events"].as_object());
    let destinations: Vec<&Value> = events
        .flat_map(|events| events.values())
        .filter(|event| event["Type"] == "DynamoDB")
        .map(|event| &event["Properties"]["DestinationConfig"]["OnFailure"]["Destination"]["Fn::GetAtt"][0])
        .collect();
    assert!(
        destinations.len() == 3 && destinations.iter().all(|queue| **queue == watched),
        "{destinations:?}"
    );
}

#[test]
fn damage_in_any_function_raises_the_alarm() {
    let document: Value = serde_saphyr::from_str(&text()).unwrap();
    let functions = resources(&document, "AWS::Serverless::Function");
    // The pattern is of a line in JSON.
    assert!(functions.iter().all(|(_, function)| function["LoggingConfig"]["LogFormat"] == "JSON"));
    let log = |(_, function): &(String, Value)| function["LoggingConfig"]["LogGroup"]["Ref"].clone();
    let logs: BTreeSet<String> =
        functions.iter().map(log).map(|log| log.as_str().unwrap().to_owned()).collect();
    assert_eq!(logs.len(), template().functions.len());

    let alarm = alarm(&document, "DamagedItemsAlarm");
    let mut counted = BTreeSet::new();
    for (name, filter) in resources(&document, "AWS::Logs::MetricFilter") {
        assert_eq!(filter["FilterPattern"], format!("{{ $.fields.message = \"{DAMAGED}\" }}"), "{name}");
        let metric = &filter["MetricTransformations"][0];
        assert_eq!(metric["MetricNamespace"], alarm["Namespace"], "{name}");
        assert_eq!(metric["MetricName"], alarm["MetricName"], "{name}");
        counted.insert(filter["LogGroupName"]["Ref"].as_str().unwrap().to_owned());
    }
    assert_eq!(counted, logs);
}
