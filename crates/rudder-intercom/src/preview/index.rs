//! Who has which value in which field.

use super::fields::Fields;
use super::questions::{EMAIL, EXTERNAL_ID, Question};
use intercom_api::{SearchValue, Value};
use std::collections::{BTreeSet, HashMap};

/// The places of contacts by the values of some of their fields.
#[derive(Debug)]
pub(super) struct Index {
    fields: BTreeSet<Box<str>>,
    places: HashMap<Question, BTreeSet<usize>>,
}

impl Default for Index {
    fn default() -> Self {
        Self {
            fields: [EXTERNAL_ID.into(), EMAIL.into()].into(),
            places: HashMap::new(),
        }
    }
}

impl Index {
    /// Who has the value, as far as the field is indexed.
    pub(super) fn get(&self, question: &Question) -> impl Iterator<Item = usize> {
        self.places.get(question).into_iter().flatten().copied()
    }

    /// Has a field indexed from now on. Says whether that is news: then everybody has to be added again.
    pub(super) fn index(&mut self, field: &str) -> bool {
        !self.fields.contains(field) && self.fields.insert(field.into())
    }

    pub(super) fn clear(&mut self) {
        self.places.clear();
    }

    pub(super) fn add(&mut self, place: usize, fields: &Fields) {
        for question in self.questions(fields) {
            self.places.entry(question).or_default().insert(place);
        }
    }

    pub(super) fn remove(&mut self, place: usize, fields: &Fields) {
        for question in self.questions(fields) {
            if let Some(places) = self.places.get_mut(&question) {
                places.remove(&place);
            }
        }
    }

    fn questions(&self, fields: &Fields) -> Vec<Question> {
        let value = |field: &str| match fields.get(field)? {
            Value::String(text) => Some(SearchValue::Text(text.clone())),
            Value::Number(number) => Some(SearchValue::Number(number.clone())),
            Value::Bool(value) => Some(SearchValue::Bool(*value)),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        };
        let question = |field: &str| Some(Question::new(field, &value(field)?));
        self.fields.iter().filter_map(|field| question(field)).collect()
    }
}
