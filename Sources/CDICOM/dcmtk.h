// What the files over dcmtk share.

#pragma once

#include <dcmtk/config/osconfig.h>
#include <dcmtk/oflog/oflog.h>
#include <dcmtk/ofstd/ofcond.h>

#include <cstdio>
#include <new>

#include "CDICOM.h"

// dcmtk's log would print on standard error.
inline void silenced() {
  static const bool once = [] {
    OFLog::configure(OFLogger::OFF_LOG_LEVEL);
    return true;
  }();
  (void)once;
}

inline void say(char *message, const char *text) { snprintf(message, CDICOM_MESSAGE_SIZE, "%s", text); }

// Runs `body`, which gives a status, and lets no exception out.
template <typename Body> CDICOMStatus guarded(char *message, Body body) {
  message[0] = 0;
  try {
    silenced();
    return body();
  } catch (const std::bad_alloc &) {
    return CDICOM_NO_MEMORY;
  } catch (...) {
    say(message, "an exception");
    return CDICOM_DAMAGED;
  }
}

inline CDICOMStatus status_of(const OFCondition &condition, char *message) {
  if (condition.good()) return CDICOM_OK;
  if (condition == EC_MemoryExhausted) return CDICOM_NO_MEMORY;
  say(message, condition.text());
  return CDICOM_DAMAGED;
}
