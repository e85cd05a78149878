use super::*;

#[test]
fn one_byte_over_the_limit_is_refused() {
    assert!(check(WORKER_GZIP_BYTES_MAX, WASM_BYTES_MAX).is_ok());
    let error = check(WORKER_GZIP_BYTES_MAX, WASM_BYTES_MAX + 1).unwrap_err();
    assert!(error.to_string().ends_with("its wasm has 1701 KiB, at most 1700 KiB are allowed"), "{error}");
    let error = check(WORKER_GZIP_BYTES_MAX + 1, 0).unwrap_err();
    assert_eq!(
        error.to_string(),
        "failed to keep the worker small: 601 KiB gzipped, at most 600 KiB are allowed"
    );
}

#[test]
fn the_size_is_that_of_the_compressed_content() {
    let repetitive = gzipped_bytes(&[7; 100_000]).unwrap();
    assert!((20..1000).contains(&repetitive), "{repetitive}");
}
