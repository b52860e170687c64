//! Whether a model can be kept, sent to another thread, and read and written inside of other types and formats. With the feature
//! `test-util`.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fmt::Debug;
use std::thread;

#[derive(Serialize, Deserialize)]
#[serde(tag = "shape")]
enum Tagged<T> {
    Model(T),
}

#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged<T> {
    Model(T),
}

#[derive(Serialize, Deserialize)]
struct Flattened<T> {
    place: u8,
    #[serde(flatten)]
    model: T,
}

#[derive(Serialize, Deserialize)]
struct Kept<T> {
    models: Vec<T>,
}

/// A model that can be kept.
pub trait Model: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + PartialEq + Debug + Send + 'static> Model for T {}

fn value(model: &impl Serialize) -> Value {
    serde_json::to_value(model).expect("a model can be written")
}

/// Reads the model wherever any value can stand, writes it again, and gives it.
///
/// # Panics
///
/// If it cannot be read somewhere, or is written otherwise than `sent`.
#[track_caller]
pub fn anywhere<T: Model>(sent: &Value) -> T {
    let text = sent.to_string();
    let model: T = serde_json::from_reader(text.as_bytes()).expect("from a reader");
    assert_eq!(value(&model), *sent, "from a reader");
    let read: T = serde_json::from_value(sent.clone()).expect("from a value");
    assert_eq!(value(&read), *sent, "from a value");
    let read: Untagged<T> = serde_json::from_str(&text).expect("untagged");
    assert_eq!(value(&read), *sent, "untagged");
    let kept: Kept<T> = serde_json::from_value(json!({"models": [sent]})).expect("in an array");
    assert_eq!(value(&kept.models[0]), *sent, "in an array");
    let packed = rmp_serde::to_vec_named(&model).expect("to MessagePack");
    let read: T = rmp_serde::from_slice(&packed).expect("from MessagePack");
    assert_eq!(value(&read), *sent, "from MessagePack");
    let mut packed = Vec::new();
    ciborium::into_writer(&model, &mut packed).expect("to CBOR");
    let read: T = ciborium::from_reader(&packed[..]).expect("from CBOR");
    assert_eq!(value(&read), *sent, "from CBOR");
    let copy = model.clone();
    let returned = thread::spawn(move || copy).join().expect("from another thread");
    assert_eq!(returned, model, "from another thread");
    model
}

/// The same wherever an object can stand as well.
///
/// # Panics
///
/// As [`anywhere`], and if the model is read from a boolean.
#[track_caller]
pub fn object<T: Model>(sent: &Value) -> T {
    let mut with = sent.clone();
    with["shape"] = "Model".into();
    let tagged: Tagged<T> = serde_json::from_value(with.clone()).expect("tagged");
    assert_eq!(value(&tagged), with, "tagged");
    let mut with = sent.clone();
    with["place"] = 7.into();
    let flattened: Flattened<T> = serde_json::from_str(&with.to_string()).expect("flattened");
    assert_eq!(value(&flattened), with, "flattened");
    assert!(serde_json::from_str::<T>("true").is_err(), "from a boolean");
    anywhere(sent)
}
