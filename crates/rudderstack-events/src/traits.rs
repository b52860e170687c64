//! What is usually known of people and of groups, by name.
//!
//! Source: RudderStack's event specification, "Identify" and "Group". Read with [`Field::view`](crate::Field::view); what has no
//! name here is in `extra`.

use crate::model::object_model;
use crate::time::Timestamp;
use std::borrow::Cow;

object_model! {
    /// What is known of a person: the traits of an identify, and `context.traits` of any event.
    pub struct PersonTraits<'a> {
        /// What the sender calls the person.
        id: Cow<'a, str> = "id",
        /// The email address.
        email: Cow<'a, str> = "email",
        /// The phone number.
        phone: Cow<'a, str> = "phone",
        /// The full name.
        name: Cow<'a, str> = "name",
        /// The first name.
        first_name: Cow<'a, str> = "firstName",
        /// The last name.
        last_name: Cow<'a, str> = "lastName",
        /// The name under which the person signs in.
        username: Cow<'a, str> = "username",
        /// The address of an image.
        avatar: Cow<'a, str> = "avatar",
        /// The date of birth.
        birthday: Timestamp<'a> = "birthday",
        /// The age in years.
        age: i64 = "age",
        /// The gender.
        gender: Cow<'a, str> = "gender",
        /// The title at work or in a salutation.
        title: Cow<'a, str> = "title",
        /// A description.
        description: Cow<'a, str> = "description",
        /// A website.
        website: Cow<'a, str> = "website",
        /// The plan that the person is on.
        plan: Cow<'a, str> = "plan",
        /// Where the person lives.
        address: Address<'a> = "address",
        /// Where the person works.
        company: Company<'a> = "company",
        /// When the account was created.
        created_at: Timestamp<'a> = "createdAt",
    }

    /// Where somebody lives, or a company is.
    pub struct Address<'a> {
        /// The street and the number.
        street: Cow<'a, str> = "street",
        /// The city.
        city: Cow<'a, str> = "city",
        /// The state or region.
        state: Cow<'a, str> = "state",
        /// The country.
        country: Cow<'a, str> = "country",
        /// The postal code.
        postal_code: Cow<'a, str> = "postalCode",
    }

    /// Where a person works.
    pub struct Company<'a> {
        /// What the sender calls it.
        id: Cow<'a, str> = "id",
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its industry.
        industry: Cow<'a, str> = "industry",
        /// How many people work there.
        employee_count: i64 = "employee_count",
        /// The plan that it is on.
        plan: Cow<'a, str> = "plan",
    }

    /// What is known of a group: the traits of a group event.
    pub struct GroupTraits<'a> {
        /// What the sender calls it.
        id: Cow<'a, str> = "id",
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its email address.
        email: Cow<'a, str> = "email",
        /// Its phone number.
        phone: Cow<'a, str> = "phone",
        /// Its website.
        website: Cow<'a, str> = "website",
        /// The address of an image.
        avatar: Cow<'a, str> = "avatar",
        /// A description.
        description: Cow<'a, str> = "description",
        /// Its industry.
        industry: Cow<'a, str> = "industry",
        /// How many people work there; some senders give a range.
        employees: Cow<'a, str> = "employees",
        /// The plan that it is on.
        plan: Cow<'a, str> = "plan",
        /// What it brings in a month.
        monthly_spend: f64 = "monthlySpend",
        /// Where it is.
        address: Address<'a> = "address",
        /// When its account was created.
        created_at: Timestamp<'a> = "createdAt",
    }
}
