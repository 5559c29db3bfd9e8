#include "tests/net/certificates.h"

#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>

#include "gtest/gtest.h"
#include "slab/assert.h"

namespace larder {

namespace {

constexpr long kDaySeconds = 24L * 60 * 60;

EVP_PKEY* NewKey() { return EVP_EC_gen("P-256"); }

}  // namespace

CertificateAuthority::CertificateAuthority() : key_(NewKey()) {
  std::string folder = std::filesystem::path(testing::TempDir()) / "larder-tls-XXXXXX";
  LARDER_CHECK(mkdtemp(folder.data()) != nullptr);
  folder_ = folder;
  certificate_ = Sign(key_.get(), "an authority", nullptr, key_.get());
  file_ = Path("ca.pem");
  Write(file_, certificate_.get(), nullptr);
}

CertificateAuthority::~CertificateAuthority() { std::filesystem::remove_all(folder_); }

std::string CertificateAuthority::Issue(const std::string& common_name,
                                        const std::string& name) const {
  const Key key(NewKey());
  const Certificate certificate = Sign(key.get(), common_name, certificate_.get(), key_.get());
  Write(Path(name), certificate.get(), key.get());
  return Path(name);
}

std::string CertificateAuthority::ConvertKeyToDer(const std::string& from,
                                                  const std::string& name) const {
  FILE* const pem = fopen(from.c_str(), "r");
  LARDER_CHECK(pem != nullptr);
  const Key key(PEM_read_PrivateKey(pem, nullptr, nullptr, nullptr));
  fclose(pem);
  FILE* const der = fopen(Path(name).c_str(), "w");
  LARDER_CHECK(key != nullptr && der != nullptr);
  const bool written = i2d_PrivateKey_fp(der, key.get()) == 1;
  LARDER_CHECK(fclose(der) == 0 && written);
  return Path(name);
}

CertificateAuthority::Certificate CertificateAuthority::Sign(EVP_PKEY* key,
                                                             const std::string& common_name,
                                                             const X509* issuer,
                                                             EVP_PKEY* issuer_key) {
  Certificate certificate(X509_new());
  X509* const x509 = certificate.get();
  ASN1_INTEGER_set(X509_get_serialNumber(x509), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509), -kDaySeconds);
  X509_gmtime_adj(X509_getm_notAfter(x509), kDaySeconds);
  X509_NAME* const subject = X509_get_subject_name(x509);
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1,
                             0);
  X509_set_issuer_name(x509, issuer == nullptr ? subject : X509_get_subject_name(issuer));
  X509_set_pubkey(x509, key);
  LARDER_CHECK(X509_sign(x509, issuer_key, EVP_sha256()) > 0);
  return certificate;
}

void CertificateAuthority::Write(const std::string& path, X509* certificate, EVP_PKEY* key) {
  FILE* const file = fopen(path.c_str(), "w");
  LARDER_CHECK(file != nullptr);
  bool written = PEM_write_X509(file, certificate) == 1;
  if (key != nullptr) {
    written &= PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr) == 1;
  }
  LARDER_CHECK(fclose(file) == 0 && written);
}

}  // namespace larder
