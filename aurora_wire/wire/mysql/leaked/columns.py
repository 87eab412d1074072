"""Which class of data a column holds, by its name.

A name is cut into its words (`cardNumber`, `card_number`): it counts if they, or the last ones, are in a table:
`user_password` does, `password_changed_at` does not.
"""

from __future__ import annotations

import re
from typing import Final

from mypy_extensions import i64

from aurora_wire.wire.mysql.leaked.classes import (
    CARD,
    HEALTH,
    IBAN,
    IDENTITY,
    KEY,
    NATIONAL_ID,
    NOTHING,
    PASSWORD,
    PHONE,
)

LONGEST: Final[i64] = 64     # characters of a name: servers take no longer one
KEPT: Final[i64] = 4096      # names that are remembered

_NAMES: Final[tuple[tuple[int, str], ...]] = (
    (CARD, "card_number card_no cardnumber cc_number ccnumber credit_card creditcard pan primary_account_number"),
    (KEY, (
        "api_key apikey access_key secret_key private_key secret api_secret client_secret auth_token access_token "
        "refresh_token api_token bearer_token session_token reset_token"
    )),
    (PASSWORD, (
        "password passwd pwd passwort password_hash pass_hash passhash hashed_password encrypted_password "
        "password_digest user_password user_pass passphrase pin pin_code"
    )),
    (NATIONAL_ID, (
        "ssn social_security social_security_number national_id national_insurance_number nino tax_id "
        "steuer_id taxpayer_id passport passport_no passport_number pesel bsn cpf nif dni nie nir "
        "codice_fiscale aadhaar personnummer fodselsnummer personal_id id_card id_card_number "
        "driver_license drivers_license driving_licence license_number"
    )),
    (IBAN, "iban"),
    (HEALTH, (
        "diagnosis diagnoses icd icd10 icd_code disease illness blood_type blood_group medication medications "
        "prescription allergy allergies symptom symptoms treatment medical_history medical_record disability "
        "vaccination hiv_status lab_result lab_results health_insurance_number patient_id patient_name"
    )),
    (IDENTITY, (
        "first_name firstname last_name lastname surname family_name given_name full_name fullname "
        "maiden_name birth_date birthdate birthday date_of_birth dob birth_place place_of_birth nationality "
        "ethnicity religion sexual_orientation home_address street_address street address_line1 "
        "address_line_1 mothers_maiden_name vorname nachname geburtsdatum"
    )),
    (PHONE, (
        "phone phone_number phonenumber mobile mobile_number mobile_phone cell_phone cellphone telephone tel fax "
        "telefon handy"
    )),
)  # fmt: skip
NAMES: Final[dict[str, int]] = {name.replace("_", ""): kind for kind, names in _NAMES for name in names.split()}
_WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
MOST_WORDS: Final = 4

_known: Final[dict[bytes, int]] = {}


def class_of_column(name: bytes) -> i64:
    """Return the class of what a column of this name holds, NOTHING for most."""
    found = _known.get(name)
    if found is None:
        found = _classify(name)
        if len(_known) >= KEPT:
            _known.clear()
        _known[name] = found
    return found


def _classify(name: bytes) -> int:
    if not 2 <= len(name) <= LONGEST:
        return NOTHING
    words = [word.lower() for word in _WORDS.findall(name.decode("utf-8", "replace"))]
    for first in range(max(len(words) - MOST_WORDS, 0), len(words)):
        found = NAMES.get("".join(words[first:]))
        if found is not None:
            return found
    return NOTHING
