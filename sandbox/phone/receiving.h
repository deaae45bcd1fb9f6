#pragma once
// Messages into a phone: decrypted, confirmed, shown. Specification 03 section 6. Those of a group wait until the phone
// knows who is in it: keys and messages of anybody else are not taken.

#include "protocol/messages/content.h"
#include "protocol/stanzas/messages.h"
#include "sandbox/phone/auto_replies.h"
#include "sandbox/phone/bootstrap.h"
#include "sandbox/phone/chats.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/downloads.h"
#include "sandbox/phone/groups/groups.h"
#include "sandbox/phone/groups/sender_keys.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/receipts.h"
#include "sandbox/phone/retries.h"
#include "sandbox/phone/sessions.h"

namespace wharf::sandbox {

class PhoneReceiving {
 public:
  /// The parts that see a message.
  struct Parts {
    PhoneContext& context;
    const PhoneChats& chats;
    PhoneGroups& groups;
    PhoneSenderKeys& sender_keys;
    PhoneSessions& sessions;
    PhoneLog& log;
    PhoneReceipts& receipts;
    PhoneRetries& retries;
    PhoneBootstrap& bootstrap;
    PhoneAutoReplies& auto_replies;
    PhoneAddOns& add_ons;
    PhoneDownloads& downloads;
  };
  explicit PhoneReceiving(const Parts& parts)
      : c_(parts.context),
        chats_(parts.chats),
        groups_(parts.groups),
        sender_keys_(parts.sender_keys),
        sessions_(parts.sessions),
        log_(parts.log),
        receipts_(parts.receipts),
        retries_(parts.retries),
        bootstrap_(parts.bootstrap),
        auto_replies_(parts.auto_replies),
        add_ons_(parts.add_ons),
        downloads_(parts.downloads) {}

  void on_message(const Node& message);

 private:
  void on_group_message(const Node& message, const protocol::MessageSource& source, const DeviceKey& author);
  /// What everybody in a group or of an audience gets: the pairwise part first.
  void take_shared(const Node& message, const protocol::MessageSource& source, const DeviceKey& author);
  /// The pairwise part of a group's message: the key, and what a resend says. False: it is asked for again.
  bool take_single(const Node& message, const protocol::MessageSource& source, const DeviceKey& author,
                   const protocol::ReceivedEnc& enc);
  void learn_key(const protocol::MessageSource& source, const DeviceKey& author,
                 const protocol::IncomingMessage& content);
  void accept(const Node& message, const protocol::MessageSource& source, const DeviceKey& author, ByteView plaintext);
  void refuse(const Node& message, const protocol::MessageSource& source, const DeviceKey& author,
              const protocol::Error& reason);
  /// `whole`: the Message as it came, without a wrapper of the own account's.
  void show(const protocol::MessageSource& source, const DeviceKey& author, const protocol::IncomingMessage& content,
            Bytes whole);
  void show_failed(const protocol::MessageSource& source, const DeviceKey& author, std::string_view why);

  PhoneContext& c_;
  const PhoneChats& chats_;
  PhoneGroups& groups_;
  PhoneSenderKeys& sender_keys_;
  PhoneSessions& sessions_;
  PhoneLog& log_;
  PhoneReceipts& receipts_;
  PhoneRetries& retries_;
  PhoneBootstrap& bootstrap_;
  PhoneAutoReplies& auto_replies_;
  PhoneAddOns& add_ons_;
  PhoneDownloads& downloads_;
};

}  // namespace wharf::sandbox
