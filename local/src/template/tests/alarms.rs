//! The alarm counts the log lines that the functions write.

use std::collections::BTreeSet;

use functions::dynamo::damage::DAMAGED;

use super::*;

/// The names and properties of the resources of a type.
fn resources(document: &Value, of_type: &str) -> Vec<(String, Value)> {
    let all = document["Resources"].as_object().unwrap().iter();
    let found = all.filter(|(_, resource)| resource["Type"] == of_type);
    found.map(|(name, resource)| (name.clone(), resource["Properties"].clone())).collect()
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

    let [(_, alarm)]: [(String, Value); 1] =
        resources(&document, "AWS::CloudWatch::Alarm").try_into().unwrap();
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
