#pragma once
// Messages into a phone: decrypted, confirmed, shown. Specification 03 section 6.

#include "protocol/messages/content.h"
#include "protocol/stanzas/messages.h"
#include "sandbox/phone/auto_replies.h"
#include "sandbox/phone/bootstrap.h"
#include "sandbox/phone/context.h"
#include "sandbox/phone/downloads.h"
#include "sandbox/phone/log.h"
#include "sandbox/phone/receipts.h"
#include "sandbox/phone/retries.h"
#include "sandbox/phone/sessions.h"

namespace wharf::sandbox {

class PhoneReceiving {
 public:
  PhoneReceiving(PhoneContext& context, PhoneSessions& sessions, PhoneLog& log, PhoneReceipts& receipts,
                 PhoneRetries& retries, PhoneBootstrap& bootstrap, PhoneAutoReplies& auto_replies, PhoneAddOns& add_ons,
                 PhoneDownloads& downloads)
      : c_(context),
        sessions_(sessions),
        log_(log),
        receipts_(receipts),
        retries_(retries),
        bootstrap_(bootstrap),
        auto_replies_(auto_replies),
        add_ons_(add_ons),
        downloads_(downloads) {}

  void on_message(const Node& message);

 private:
  void accept(const Node& message, const protocol::MessageSource& source, const DeviceKey& author, ByteView plaintext);
  void refuse(const Node& message, const protocol::MessageSource& source, const DeviceKey& author,
              const protocol::Error& reason);
  void show(const protocol::MessageSource& source, const DeviceKey& author, const protocol::IncomingMessage& content);

  PhoneContext& c_;
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
