//! The encoding of claims: the same claims have one encoding, and no other encoding is decoded.

use super::*;
use hallpass_wire::Scope;
use proptest::prelude::*;

fn claims() -> Claims {
    Claims {
        serial: [5; 16],
        grant: Some(PersonGrant {
            id: GrantId(Uuid::from_u128(1)),
            generation: 7,
            user: UserId(Uuid::from_u128(2)),
            acts_as: ActsAs::Person,
            key: 8,
        }),
        app: AppId(Uuid::from_u128(3)),
        organization: OrganizationId(Uuid::from_u128(4)),
        scopes: Scopes::parse("library sales").unwrap(),
        issued_at: Instant(1_000),
        expires: Instant(2_000),
    }
}

fn encoded(claims: &Claims) -> Vec<u8> {
    let mut bytes = Vec::new();
    claims.encode(&mut bytes).unwrap();
    bytes
}

/// The fields of an encoding, each with its tag and length.
fn split(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut fields = Fields { rest: bytes, last: 0 };
    let mut found = Vec::new();
    loop {
        let before = fields.rest;
        if fields.next().unwrap().is_none() {
            return found;
        }
        found.push(before[..before.len() - fields.rest.len()].to_vec());
    }
}

fn any_claims() -> impl Strategy<Value = Claims> {
    let id = || any::<u128>().prop_map(Uuid::from_u128);
    let grant = (
        id(),
        any::<u32>(),
        id(),
        any::<u32>(),
        prop::sample::select(ActsAs::ALL),
    )
        .prop_map(|(grant, generation, user, key, acts_as)| PersonGrant {
            id: GrantId(grant),
            generation,
            user: UserId(user),
            acts_as,
            key,
        });
    // Covers each text length around the length at which the field needs a second byte.
    let scope = "[!#-\\[\\]-~]{1,40}";
    let scopes = prop::collection::vec(scope, 0..12).prop_map(|all| Scopes::parse(&all.join(" ")).unwrap());
    let fixed = (any::<[u8; 16]>(), id(), id(), any::<i64>(), any::<i64>());
    (prop::option::of(grant), scopes, fixed).prop_map(
        |(grant, scopes, (serial, app, organization, issued_at, expires))| Claims {
            serial,
            grant,
            app: AppId(app),
            organization: OrganizationId(organization),
            scopes,
            issued_at: Instant(issued_at),
            expires: Instant(expires),
        },
    )
}

proptest! {
    #[test]
    fn encoded_claims_decode_to_the_same_claims(claims in any_claims()) {
        let bytes = encoded(&claims);
        prop_assert!(bytes.len() <= FIXED + 3 + claims.scopes.text_length());
        prop_assert_eq!(&bytes[SERIAL], &claims.serial);
        prop_assert_eq!(Claims::decode(&bytes), Ok(claims));
    }

    #[test]
    fn one_changed_byte_never_decodes_to_the_same_claims(
        claims in any_claims(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        how in 0..4,
    ) {
        let canonical = encoded(&claims);
        let mut changed = canonical.clone();
        let at = at.index(canonical.len());
        match how {
            0 => changed[at] = byte,
            1 => changed[at] ^= 1 << (byte % 8),
            2 => changed.insert(at + usize::from(byte) % 2, byte),
            _ => drop(changed.remove(at)),
        }
        prop_assume!(changed != canonical);
        if let Ok(other) = Claims::decode(&changed) {
            prop_assert_ne!(&other, &claims);
            // An optional field is skipped. Without one, decoded claims encode to the same bytes again.
            if split(&changed).iter().all(|field| field[0] < tag::OPTIONAL) {
                prop_assert_eq!(encoded(&other), changed);
            }
        }
    }

    #[test]
    fn different_claims_have_different_encodings(one in any_claims(), other in any_claims()) {
        prop_assert_eq!(one == other, encoded(&one) == encoded(&other));
    }
}

#[test]
fn an_unknown_optional_field_is_skipped_and_an_unknown_critical_one_refused() {
    for tag in 15..=255 {
        let mut bytes = encoded(&claims());
        bytes.extend_from_slice(&[tag, 3, b'a', b'b', b'c']);
        let expected = if tag < 128 {
            Err(ClaimsError::UnknownCritical(tag))
        } else {
            Ok(claims())
        };
        assert_eq!(Claims::decode(&bytes), expected, "{tag}");
    }
}

/// RFC 8707, RFC 7800, RFC 8693: a token for one resource, one key or one actor must not be accepted for all.
#[test]
fn a_token_bound_to_a_resource_a_key_or_an_actor_is_refused() {
    for tag in [tag::RESOURCE, tag::CONFIRMATION, tag::ACTOR] {
        let mut bytes = encoded(&claims());
        bytes.extend_from_slice(&[tag, 1, b'a']);
        assert_eq!(Claims::decode(&bytes), Err(ClaimsError::UnknownCritical(tag)));
    }
}

#[test]
fn a_field_that_makes_a_grant_the_organizations_has_one_value_and_belongs_to_a_grant() {
    let own = PersonGrant {
        acts_as: ActsAs::Organization,
        ..claims().grant.unwrap()
    };
    let own = Claims {
        grant: Some(own),
        ..claims()
    };
    assert_eq!(Claims::decode(&encoded(&own)), Ok(own));
    let with = |claims: &Claims, value: &[u8]| {
        let mut bytes = encoded(claims);
        bytes.extend_from_slice(&[tag::OF_ORGANIZATION, u8::try_from(value.len()).unwrap()]);
        bytes.extend_from_slice(value);
        Claims::decode(&bytes)
    };
    for value in [&[][..], &[0], &[2], &[1, 1]] {
        assert_eq!(with(&claims(), value), Err(ClaimsError::Value(tag::OF_ORGANIZATION)));
    }
    let of_app = Claims {
        grant: None,
        ..claims()
    };
    assert_eq!(with(&of_app, &[1]), Err(ClaimsError::Incomplete));
}

#[test]
fn repeated_or_disordered_fields_are_refused() {
    let fields = split(&encoded(&claims()));
    for position in 0..fields.len() {
        let mut repeated = fields.clone();
        repeated.insert(position, fields[position].clone());
        let tag = fields[position][0];
        assert_eq!(
            Claims::decode(&repeated.concat()),
            Err(ClaimsError::Disordered(tag)),
            "{tag}"
        );
        let mut moved = fields.clone();
        let first = moved.remove(position);
        moved.insert((position + 1) % fields.len(), first);
        let decoded = Claims::decode(&moved.concat());
        assert!(matches!(decoded, Err(ClaimsError::Disordered(_))), "{tag}");
    }
    let zero = [&[0, 0], encoded(&claims()).as_slice()].concat();
    assert_eq!(Claims::decode(&zero), Err(ClaimsError::Disordered(0)));
}

#[test]
fn a_field_that_is_absent_or_of_another_length_is_refused() {
    let fields = split(&encoded(&claims()));
    for position in 0..fields.len() {
        let tag = fields[position][0];
        let mut without = fields.clone();
        without.remove(position);
        let left = Claims::decode(&without.concat());
        if tag == tag::SCOPES {
            // A token without scopes allows nothing.
            assert_eq!(left.unwrap().scopes, Scopes::default());
            continue;
        }
        assert_eq!(left, Err(ClaimsError::Incomplete), "{tag}");
        let mut shorter = fields.clone();
        shorter[position].pop();
        shorter[position][1] -= 1;
        assert_eq!(Claims::decode(&shorter.concat()), Err(ClaimsError::Value(tag)));
        let mut longer = fields.clone();
        longer[position].push(0);
        longer[position][1] += 1;
        assert_eq!(Claims::decode(&longer.concat()), Err(ClaimsError::Value(tag)));
    }
}

#[test]
fn trailing_bytes_and_missing_ones_are_refused() {
    let bytes = encoded(&claims());
    let trailing: [&[u8]; 7] = [&[0], &[10], &[11], &[200], &[200, 1], &[200, 0x81], &[200, 0x81, 0]];
    for more in trailing {
        assert!(Claims::decode(&[&bytes, more].concat()).is_err(), "{more:?}");
    }
    // If the fields of scopes and grant are cut off whole, the rest is a valid token of the app alone.
    let alone = bytes.len() - (2 * ID + 2 * NUMBER);
    let without_scopes = alone - (2 + "library sales".len());
    for cut in 0..bytes.len() {
        let left = Claims::decode(&bytes[..cut]);
        if cut == alone || cut == without_scopes {
            assert_eq!(left.unwrap().grant, None);
        } else {
            assert!(left.is_err(), "{cut}");
        }
    }
}

#[test]
fn a_length_has_one_form() {
    for scopes in ["a".repeat(127), "a".repeat(126) + " b"] {
        let scopes = Scopes::parse(&scopes).unwrap();
        let long = Claims { scopes, ..claims() };
        assert_eq!(Claims::decode(&encoded(&long)), Ok(long));
    }
    for mut field in split(&encoded(&claims())) {
        field.insert(1, 0x80);
        assert_eq!(Claims::decode(&field), Err(ClaimsError::NonMinimalLength));
    }
}

#[test]
fn scopes_have_one_form() {
    for scopes in ["", " ", "a ", " a", "a  b", "a a", "a b a", "a\"b", "é"] {
        let fields = split(&encoded(&claims())).into_iter().flat_map(|field| {
            if field[0] == tag::SCOPES {
                let length = u8::try_from(scopes.len()).unwrap();
                [&[tag::SCOPES, length], scopes.as_bytes()].concat()
            } else {
                field
            }
        });
        let bytes: Vec<u8> = fields.collect();
        assert_eq!(
            Claims::decode(&bytes),
            Err(ClaimsError::Value(tag::SCOPES)),
            "{scopes:?}"
        );
    }
}

#[test]
fn scopes_longer_than_a_field_are_refused() {
    for (count, fits) in [(324, true), (325, false), (700, false)] {
        let scopes = (0..count)
            .map(|n| Scope::parse(&format!("{n:0>100}")).unwrap())
            .collect();
        let long = Claims { scopes, ..claims() };
        assert_eq!(long.encode(&mut Vec::new()).is_ok(), fits, "{count}");
    }
}
