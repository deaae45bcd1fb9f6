#pragma once
// What the stanza says in the clear about the message inside it. Specification 03 sections 4.2 and 4.3.

#include <string>

#include "protocol/bytes.h"

namespace wharf::protocol {

struct StanzaKind {
  std::string type = "text";     // "text", "media", "reaction", "poll", "event"
  std::string media_type = {};   // on every enc; "" = none
  std::string edit = {};         // 1 edit, 2 pin, 7 revoke by the sender or a reaction taken back, 8 by an admin
  bool hide_on_failure = false;  // nothing is shown where it cannot be read
  std::string meta_name = {}, meta_value = {};  // <meta name="value"/>; "" = none
  friend bool operator==(const StanzaKind&, const StanzaKind&) = default;
};

/// Of an encoded Message; plain text for one that cannot be read.
StanzaKind stanza_kind(ByteView encoded);

}  // namespace wharf::protocol
