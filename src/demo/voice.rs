//! How people begin and end their mails: by habit of the person, with some chance.

use super::dice::Dice;
use super::people::{DemoContact, DemoCustomer, DemoEngineer, first_name};

/// Where an engineer's mail stands in the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reply {
    /// The first of ours.
    First,
    /// The customer has written since ours.
    Next,
    /// The second of ours in a row.
    Further,
}

/// A mail of a customer: greeting, body, signature. `to` is the engineer who wrote last, if any.
pub(super) fn customer(
    dice: &mut Dice,
    customer: &DemoCustomer,
    contact: &DemoContact,
    to: Option<&DemoEngineer>,
    body: &str,
) -> String {
    let greeting = match to {
        None => dice
            .pick(&[
                "Hi,\n\n",
                "Hello,\n\n",
                "Hello Acme,\n\n",
                "Dear support team,\n\n",
                "Good morning,\n\n",
                "Hi all,\n\n",
                "",
            ])
            .to_owned(),
        Some(engineer) => {
            let name = first_name(engineer.name);
            let form = dice.pick(&[
                "Hi NAME,\n\n",
                "Hello NAME,\n\n",
                "NAME,\n\n",
                "Hi NAME, thanks for the quick reply.\n\n",
                "Thank you, NAME.\n\n",
                "",
            ]);
            form.replace("NAME", name)
        }
    };
    // A person signs in one way, and shorter once a conversation runs.
    let habit = contact.name.len() + contact.address.len();
    let (full, first, house) = (contact.name, first_name(contact.name), customer.name);
    let team = [
        "Platform",
        "Infrastructure",
        "Database operations",
        "IT operations",
        "Site reliability",
    ][habit % 5];
    let end = match (habit % 4, to.is_some()) {
        (0, false) => format!("Regards\n{full}\n{house}, {team}"),
        (1, false) => format!("Best regards,\n{full}"),
        (2, false) => format!("Thanks\n{first}\n\n-- \n{full} | {team} | {house}"),
        (_, false) => format!("Thanks in advance\n{full}, {house}"),
        (0, true) => format!("Regards\n{full}"),
        (1 | 2, true) => first.to_owned(),
        (_, true) => format!("Thanks\n{first}"),
    };
    format!("{greeting}{body}\n\n{end}\n")
}

/// A mail of an engineer: greeting, body, name.
pub(super) fn engineer(dice: &mut Dice, engineer: &DemoEngineer, to: &DemoContact, reply: Reply, body: &str) -> String {
    let first = first_name(to.name);
    let form = dice.pick(match reply {
        Reply::First => &[
            "Hello NAME,\n\n",
            "Hi NAME,\n\n",
            "Good day NAME,\n\n",
            "Hello NAME, thanks for the clear report.\n\n",
        ],
        Reply::Next => &[
            "Hello NAME,\n\n",
            "Hi NAME,\n\n",
            "Thanks, NAME.\n\n",
            "Thank you, NAME, that helps.\n\n",
        ],
        Reply::Further => &[
            "Hello NAME,\n\n",
            "Hi NAME,\n\n",
            "Hello NAME, as promised:\n\n",
            "NAME, here is the rest.\n\n",
        ],
    });
    let greeting = form.replace("NAME", first);
    let (full, short) = (engineer.name, first_name(engineer.name));
    let end = match engineer.name.len() % 3 {
        0 => format!("Regards\n{full}\nAcme Support"),
        1 => format!("Best regards,\n{short}"),
        _ => format!("{short}, Acme Support"),
    };
    format!("{greeting}{body}\n\n{end}\n")
}
