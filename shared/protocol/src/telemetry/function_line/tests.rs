use serde_json::Value;

use super::*;

/// The rules of the embedded metric format: dimensions are texts and metrics are numbers of the root.
#[test]
fn the_line_is_in_the_embedded_metric_format() {
    let line = FunctionLine {
        client: Some("1".parse().unwrap()),
        duration_micros: 5,
        ..FunctionLine::new("r1", "pushBatch", 200, 1_765_103_400_000)
    };
    let root: Value = serde_json::from_str(&line.to_json()).unwrap();
    assert_eq!(root["_aws"]["Timestamp"], 1_765_103_400_000_u64);
    let directives = root["_aws"]["CloudWatchMetrics"].as_array().unwrap();
    let mut metrics = Vec::new();
    for directive in directives {
        assert_eq!(directive["Namespace"], NAMESPACE);
        for name in directive["Dimensions"][0].as_array().unwrap() {
            assert!(root[name.as_str().unwrap()].is_string(), "{name}");
        }
        for metric in directive["Metrics"].as_array().unwrap() {
            let name = metric["Name"].as_str().unwrap();
            assert!(root[name].is_u64(), "{name}");
            assert!(matches!(metric["Unit"].as_str(), Some("Microseconds" | "Count")), "{name}");
            metrics.push(name);
        }
    }
    metrics.sort_unstable();
    let all = ["duration_micros", "read_tenths", "storage_micros", "storage_requests", "write_tenths"];
    assert_eq!(metrics, all);
    assert_eq!((root["status"].as_str(), root["client"].as_str()), (Some("200"), Some("1")));
    assert_eq!(serde_json::from_value::<FunctionLine>(root).unwrap(), line);
}
