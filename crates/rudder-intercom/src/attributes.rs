//! The custom attributes that events need, compared with those that a workspace has.

use crate::check::Report;
use crate::text::{BAD, BOLD, DIM, FIELD, GOOD, NOTE, counted, printable};
use intercom_api::{CreateDataAttribute, DataAttribute, DataAttributeModel, DataType};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::io::{self, Write};

/// The custom attributes that events need, and whether the workspace has them. Serialises to what `attributes --json`
/// prints.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    /// How many of them the workspace lacks.
    pub(crate) missing: usize,
    /// The attributes, those first that are used most.
    pub(crate) attributes: Vec<Compared>,
    /// Uses of further attributes, for which there was no room: these are not compared.
    pub(crate) more: u64,
}

/// One of them.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Compared {
    /// Of contacts or of companies.
    pub(crate) model: DataAttributeModel,
    /// The name.
    pub(crate) name: String,
    /// The type that fits the values.
    #[serde(rename = "type")]
    pub(crate) data_type: DataType,
    /// Whether the values are of several types, so that some do not fit.
    pub(crate) mixed: bool,
    /// How many events have it.
    pub(crate) events: u64,
    /// Whether the workspace has it.
    pub(crate) status: Status,
    /// The type that it has in the workspace.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) workspace_type: Option<DataType>,
    /// Why it could not be created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<String>,
}

/// Whether the workspace has an attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, strum::Display)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
pub(crate) enum Status {
    /// It has, and the values fit.
    Present,
    /// It has, but with a type that the values do not fit.
    TypeMismatch,
    /// It has not.
    Missing,
    /// It had, but the attribute is archived: a teammate has to restore it.
    Archived,
    /// It has not, and cannot: it has one of this name for the other model, or is to have.
    NameTaken,
    /// It had not, and has now.
    Created,
}

impl Status {
    /// Whether an update with the attribute fails.
    pub(crate) fn is_missing(self) -> bool {
        matches!(self, Self::Missing | Self::Archived | Self::NameTaken)
    }
}

impl Comparison {
    /// Compares what the events need with what the workspace has, archived ones included.
    pub(crate) fn new(report: &Report, workspace: &[DataAttribute]) -> Self {
        let existing = by_name(workspace);
        let models = [DataAttributeModel::Contact, DataAttributeModel::Company];
        let mut wanted = HashSet::new();
        let mut compare = |model: &DataAttributeModel, name: &str, needed: &DataType| {
            let Some(&found) = existing.get(&(model, name)) else {
                let of_other = models
                    .iter()
                    .any(|other| other != model && existing.contains_key(&(other, name)));
                let is_taken = of_other || !wanted.insert(name.to_owned());
                return (if is_taken { Status::NameTaken } else { Status::Missing }, None);
            };
            let status = match &found.data_type {
                _ if found.archived == Some(true) => Status::Archived,
                Some(has) if !fits(needed, has) => Status::TypeMismatch,
                _ => Status::Present,
            };
            (status, found.data_type.clone())
        };
        let attributes = report.custom_attributes.iter().map(|needed| {
            let data_type = DataType::from(needed.data_type.as_str());
            let (status, workspace_type) = compare(&needed.model, &needed.name, &data_type);
            Compared {
                model: needed.model.clone(),
                name: needed.name.clone(),
                data_type,
                mixed: needed.mixed,
                events: needed.events,
                status,
                workspace_type,
                error: None,
            }
        });
        let mut comparison = Self {
            missing: 0,
            attributes: attributes.collect(),
            more: report.more_custom_attributes,
        };
        comparison.count();
        comparison
    }

    /// Has each that is missing created. `create` says why if it cannot be.
    pub(crate) fn create<E>(
        &mut self,
        mut create: impl FnMut(&CreateDataAttribute) -> Result<Option<String>, E>,
    ) -> Result<(), E> {
        let missing = |attribute: &&mut Compared| attribute.status == Status::Missing;
        for attribute in self.attributes.iter_mut().filter(missing) {
            let operation = CreateDataAttribute::new(
                attribute.name.as_str(),
                attribute.model.clone(),
                attribute.data_type.clone(),
            );
            attribute.error = create(&operation)?;
            if attribute.error.is_none() {
                attribute.status = Status::Created;
                attribute.workspace_type = Some(attribute.data_type.clone());
            }
        }
        self.count();
        Ok(())
    }

    fn count(&mut self) {
        let missing = self.attributes.iter().filter(|attribute| attribute.status.is_missing());
        self.missing = missing.count();
    }

    /// Whether the workspace has all that the events need.
    pub(crate) fn is_complete(&self) -> bool {
        self.missing == 0 && self.more == 0
    }

    /// Writes it for people.
    ///
    /// # Errors
    ///
    /// If `out` fails.
    pub(crate) fn write_text(&self, out: &mut impl Write) -> io::Result<()> {
        let all = self.attributes.len() as u64;
        if all == 0 {
            return writeln!(out, "{GOOD}The events need no custom attributes.{GOOD:#}");
        }
        match self.missing {
            0 => writeln!(
                out,
                "{BOLD}{GOOD}The workspace has the {} that the events need.{GOOD:#}{BOLD:#}",
                counted(all, "custom attribute")
            )?,
            missing => writeln!(
                out,
                "{BOLD}{BAD}{missing} of {} that the events need {} missing in the workspace.{BAD:#}{BOLD:#}",
                counted(all, "custom attribute"),
                if missing == 1 { "is" } else { "are" }
            )?,
        }
        let width = self.attributes.iter().map(|attribute| attribute.name.chars().count());
        let width = width.max().unwrap_or(0).min(40);
        for attribute in &self.attributes {
            attribute.write_text(width, out)?;
        }
        if self.more > 0 {
            writeln!(
                out,
                "  {NOTE}more than {} names; the rest is not compared{NOTE:#}",
                Report::max_names()
            )?;
        }
        let any = |status| self.attributes.iter().any(|attribute| attribute.status == status);
        if any(Status::Missing) {
            writeln!(
                out,
                "\n--create creates the missing ones. send --attributes drop sends events without them."
            )?;
        }
        if any(Status::NameTaken) {
            writeln!(
                out,
                "\nContacts and companies cannot both have an attribute of one name: send one of them under another."
            )?;
        }
        if any(Status::Archived) {
            writeln!(
                out,
                "\nArchived attributes can be restored in Intercom, under Settings > Data."
            )?;
        }
        Ok(())
    }
}

impl Compared {
    fn write_text(&self, width: usize, out: &mut impl Write) -> io::Result<()> {
        let style = match self.status {
            Status::Present | Status::Created => GOOD,
            Status::TypeMismatch => NOTE,
            Status::Missing | Status::Archived | Status::NameTaken => BAD,
        };
        let word = self.status.to_string().replace('_', " ");
        let (model, name) = (self.model.to_string(), printable(&self.name));
        write!(
            out,
            "  {style}{word:<13}{style:#}  {DIM}{model:<7}{DIM:#}  {FIELD}{name:<width$}{FIELD:#}  {:<8} {DIM}{}",
            self.data_type.to_string(),
            counted(self.events, "event")
        )?;
        if self.mixed {
            write!(out, ", values of several types")?;
        }
        if let Some(has) = self
            .workspace_type
            .as_ref()
            .filter(|_| self.status == Status::TypeMismatch)
        {
            write!(out, ", in the workspace {}", printable(has.as_str()))?;
        }
        if let Some(error) = &self.error {
            write!(out, ", not created: {}", printable(error))?;
        }
        writeln!(out, "{DIM:#}")
    }
}

type Key<'a> = (&'a DataAttributeModel, &'a str);

/// The custom attributes by model and name. One that is in use comes before one that is archived.
fn by_name(workspace: &[DataAttribute]) -> HashMap<Key<'_>, &DataAttribute> {
    let mut found = HashMap::new();
    for attribute in workspace.iter().filter(|attribute| attribute.custom != Some(false)) {
        if let (Some(model), Some(name)) = (&attribute.model, &attribute.name) {
            let entry = found.entry((model, name.as_str())).or_insert(attribute);
            if entry.archived == Some(true) {
                *entry = attribute;
            }
        }
    }
    found
}

/// Whether values of one type fit an attribute of another, or are turned into its type when they are sent. Moments are
/// whole numbers; a type that is not known fits.
fn fits(values: &DataType, attribute: &DataType) -> bool {
    use DataType::{Date, DateTime, Float, Integer, Other, String};
    match (values, attribute) {
        (_, Other(_) | String) => true,
        (Integer | Date | DateTime, Integer | Float | Date | DateTime) => true,
        (values, attribute) => values == attribute,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_own_type_and_wider_ones() {
        for (values, attribute, fit) in [
            (DataType::Integer, DataType::Float, true),
            (DataType::Float, DataType::Integer, false),
            (DataType::Date, DataType::Integer, true),
            (DataType::String, DataType::Boolean, false),
            (DataType::Integer, DataType::String, true),
            (DataType::Boolean, DataType::Boolean, true),
            (DataType::String, DataType::Other("mood".into()), true),
        ] {
            assert_eq!(fits(&values, &attribute), fit, "{values} {attribute}");
        }
    }
}
