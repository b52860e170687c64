//! The properties of what happens in a shop, by name.
//!
//! Source: RudderStack's e-commerce events specification. Read with [`Field::view`](crate::Field::view); what has no name here is in
//! `extra`. SDKs send amounts as numbers.
//!
//! ```
//! use rudderstack_events::{Event, ecommerce::Order};
//!
//! let text = r#"{"type":"track","event":"Order Completed","properties":
//!     {"order_id":"o-1","total":27.5,"products":[{"sku":"a","price":19,"quantity":1},{"sku":"b"}],"gift":true}}"#;
//! let Event::Track(track) = Event::from_json(text)? else { panic!("a track") };
//! let order: Order<'_> = track.properties.view()?.unwrap_or_default();
//! assert_eq!((order.order_id.ok().as_deref(), order.total.ok()), (Some("o-1"), Some(27.5)));
//! assert_eq!(order.products.ok().unwrap_or_default()[0].price.ok(), Some(19.0));
//! assert_eq!(order.extra["gift"].as_bool(), Some(true));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use crate::model::object_model;
use std::borrow::Cow;

object_model! {
    /// A product: of "Product Clicked", "Viewed", "Added" and "Removed", and in the lists of the others.
    pub struct Product<'a> {
        /// The id of the product.
        product_id: Cow<'a, str> = "product_id",
        /// The stock keeping unit.
        sku: Cow<'a, str> = "sku",
        /// The id of the cart that it is in.
        cart_id: Cow<'a, str> = "cart_id",
        /// Its name.
        name: Cow<'a, str> = "name",
        /// Its category.
        category: Cow<'a, str> = "category",
        /// Its brand.
        brand: Cow<'a, str> = "brand",
        /// Its variant, such as a colour.
        variant: Cow<'a, str> = "variant",
        /// The price of one.
        price: f64 = "price",
        /// How many.
        quantity: f64 = "quantity",
        /// The currency of the price, such as `EUR`.
        currency: Cow<'a, str> = "currency",
        /// What all of them are worth.
        value: f64 = "value",
        /// The coupon that is used for it.
        coupon: Cow<'a, str> = "coupon",
        /// Where it stands in its list.
        position: i64 = "position",
        /// The address of its page.
        url: Cow<'a, str> = "url",
        /// The address of its image.
        image_url: Cow<'a, str> = "image_url",
    }

    /// A search, a list of products, or a filter: "Products Searched", "Product List Viewed" and "Filtered".
    pub struct ProductList<'a> {
        /// What was searched for.
        query: Cow<'a, str> = "query",
        /// The id of the list.
        list_id: Cow<'a, str> = "list_id",
        /// The category of the products.
        category: Cow<'a, str> = "category",
        /// The filters, each with `type` and `value`.
        filters: Vec<Choice<'a>> = "filters",
        /// The order, each with `type` and `value`.
        sorts: Vec<Choice<'a>> = "sorts",
        /// The products.
        products: Vec<Product<'a>> = "products",
    }

    /// A filter, or what a list is sorted by.
    pub struct Choice<'a> {
        /// Of what.
        kind: Cow<'a, str> = "type",
        /// Which.
        value: Cow<'a, str> = "value",
    }

    /// A promotion: "Promotion Viewed" and "Clicked".
    pub struct Promotion<'a> {
        /// The id of the promotion.
        promotion_id: Cow<'a, str> = "promotion_id",
        /// Its name.
        name: Cow<'a, str> = "name",
        /// What it looks like.
        creative: Cow<'a, str> = "creative",
        /// Where it stands.
        position: Cow<'a, str> = "position",
    }

    /// A cart: "Cart Viewed".
    pub struct Cart<'a> {
        /// The id of the cart.
        cart_id: Cow<'a, str> = "cart_id",
        /// The products.
        products: Vec<Product<'a>> = "products",
    }

    /// A step of the checkout: "Checkout Step Viewed" and "Completed", "Payment Info Entered".
    pub struct Checkout<'a> {
        /// The id of the checkout.
        checkout_id: Cow<'a, str> = "checkout_id",
        /// The id of the order.
        order_id: Cow<'a, str> = "order_id",
        /// The number of the step.
        step: i64 = "step",
        /// How it is to be shipped.
        shipping_method: Cow<'a, str> = "shipping_method",
        /// How it is to be paid.
        payment_method: Cow<'a, str> = "payment_method",
    }

    /// An order: "Checkout Started", "Order Updated", "Completed", "Refunded" and "Cancelled".
    pub struct Order<'a> {
        /// The id of the order.
        order_id: Cow<'a, str> = "order_id",
        /// The id of the checkout.
        checkout_id: Cow<'a, str> = "checkout_id",
        /// The shop or the partner that it was made through.
        affiliation: Cow<'a, str> = "affiliation",
        /// What is paid, discounts, shipping and tax included.
        total: f64 = "total",
        /// What the products cost, without shipping and tax.
        subtotal: f64 = "subtotal",
        /// What is earned.
        revenue: f64 = "revenue",
        /// What it is worth.
        value: f64 = "value",
        /// What the shipping costs.
        shipping: f64 = "shipping",
        /// The tax.
        tax: f64 = "tax",
        /// The discount.
        discount: f64 = "discount",
        /// The coupon.
        coupon: Cow<'a, str> = "coupon",
        /// The currency of all amounts, such as `EUR`.
        currency: Cow<'a, str> = "currency",
        /// The products.
        products: Vec<Product<'a>> = "products",
    }

    /// A coupon: "Coupon Entered", "Applied", "Denied" and "Removed".
    pub struct Coupon<'a> {
        /// The id of the coupon.
        coupon_id: Cow<'a, str> = "coupon_id",
        /// Its name.
        coupon_name: Cow<'a, str> = "coupon_name",
        /// The id of the order.
        order_id: Cow<'a, str> = "order_id",
        /// The id of the cart.
        cart_id: Cow<'a, str> = "cart_id",
        /// The discount.
        discount: f64 = "discount",
        /// Why it was denied.
        reason: Cow<'a, str> = "reason",
    }

    /// A wishlist: "Product Added to Wishlist" and "Removed", "Wishlist Product Added to Cart".
    pub struct Wishlist<'a> {
        /// The id of the wishlist.
        wishlist_id: Cow<'a, str> = "wishlist_id",
        /// Its name.
        wishlist_name: Cow<'a, str> = "wishlist_name",
        /// The id of the product.
        product_id: Cow<'a, str> = "product_id",
    }

    /// What is recommended to somebody: "Product Shared" and "Cart Shared".
    pub struct Share<'a> {
        /// The id of the product.
        product_id: Cow<'a, str> = "product_id",
        /// The id of the cart.
        cart_id: Cow<'a, str> = "cart_id",
        /// The products of the cart.
        products: Vec<Product<'a>> = "products",
        /// By what it was shared.
        share_via: Cow<'a, str> = "share_via",
        /// What was written with it.
        share_message: Cow<'a, str> = "share_message",
        /// With whom it was shared.
        recipient: Cow<'a, str> = "recipient",
    }

    /// A review: "Product Reviewed".
    pub struct Review<'a> {
        /// The id of the product.
        product_id: Cow<'a, str> = "product_id",
        /// The id of the review.
        review_id: Cow<'a, str> = "review_id",
        /// What was written in it.
        review_body: Cow<'a, str> = "review_body",
        /// How the product was rated.
        rating: f64 = "rating",
    }
}
