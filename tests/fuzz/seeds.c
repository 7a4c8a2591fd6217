/* SPDX-License-Identifier: MIT */
/* seeds.c - writes the fuzzer's first inputs: seeds DIR [LETTER FILE]... (a file, behind its letter). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "jwk.h"
#include "jws.h"

#define LICENSE                                                                                    \
	"{\"iss\":\"" FUZZ_ISS "\",\"sub\":\"Acme\",\"aud\":[\"" FUZZ_AUD                          \
	"\",\"b\"],\"jti\":\"j\","                                                                 \
	"\"iat\":1799990000,\"nbf\":1799990000,\"exp\":1800100000,\"ver\":1,\"lid\":\"l\","        \
	"\"seq\":7,"                                                                               \
	"\"plan\":\"gold\",\"grace\":86400,\"features\":[\"sso\"],\"seats\":{\"limit\":5,"         \
	"\"scope\":\"node\"},"                                                                     \
	"\"quota\":{\"connections\":1,\"bytes\":2,\"window\":60,\"over\":\"block\",\"scope\":"     \
	"\"cluster\"},"                                                                            \
	"\"rl_max_age\":3600,\"lapse\":\"report\",\"must\":[\"ports\"],\"x\":[null,-1.5e3,"        \
	"\"\\u00e9\"],"                                                                            \
	"\"ports\":[{\"port\":8080},{\"port\":9000,\"endPort\":9010,\"protocol\":\"UDP\","         \
	"\"name\":\"n\","                                                                          \
	"\"seats\":3,\"tls\":true,\"rate\":{\"connections\":9,\"per\":1,\"burst\":2},"             \
	"\"quota\":{\"bytes\":2,\"window\":60}}]}"
#define BOUND                                                                                      \
	"{\"iss\":\"" FUZZ_ISS "\",\"sub\":\"A\",\"aud\":\"" FUZZ_AUD                              \
	"\",\"jti\":\"j\",\"iat\":1,"                                                              \
	"\"exp\":253402300799,\"ver\":1,\"lid\":\"l\",\"seq\":0,\"ports\":[],"                     \
	"\"bind\":{\"cluster\":\"c\",\"nodes\":[\"n\"]}}"
#define LIST                                                                                       \
	"{\"iss\":\"" FUZZ_ISS "\",\"iat\":1799990000,\"exp\":1800100000,\"seq\":1,\"revoked\":["  \
	"{\"jti\":\"j\",\"at\":1799990000,\"why\":\"w\"},{\"lid\":\"l\",\"at\":1},{\"kid\":"       \
	"\"k1\",\"at\":2}]}"
#define TRUST                                                                                      \
	"{\"iss\":\"v\",\"allow\":{\"ports\":\"1024-65535\",\"namespaces\":[\"v-*\"]},"            \
	"\"reserve\":{\"ports\":\"9443,9500-9599\"},\"keys\":[{\"kty\":\"OKP\",\"crv\":"           \
	"\"Ed25519\","                                                                             \
	"\"use\":\"sig\",\"alg\":\"EdDSA\",\"kid\":\"k\",\"retired\":1800000000,"                  \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}]}"
#define PRIVATE                                                                                    \
	"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"kid\":\"k\","                                      \
	"\"d\":\"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A\","                                   \
	"\"x\":\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}"
#define POLICY                                                                                     \
	"{\"name\":\"acme\",\"match\":{\"gates\":[\"acme-*\"]},\"mode\":\"enforce\",\"deny\":"     \
	"\"refuse\","                                                                              \
	"\"probes\":true,\"open\":[{\"port\":8080,\"protocol\":\"TCP\"},{\"ipproto\":47}],"        \
	"\"ports\":[{\"port\":9443,\"endPort\":9444,\"mode\":\"audit\",\"deny\":\"drop\"}]}"
#define HISTORY                                                                                    \
	"{\"lines\":[{\"iss\":\"" FUZZ_ISS                                                         \
	"\",\"lid\":\"l\",\"jti\":\"j\",\"seq\":7,\"iat\":5,\"nbf\":5,"                            \
	"\"sha256\":\"00000000000000000000000000000000000000000000000000000000000000ff\","         \
	"\"used\":9}],\"announced\":[{\"sha256\":"                                                 \
	"\"000000000000000000000000000000000000000000000000000000000000000a\",\"state\":"          \
	"\"rejected\",\"reason\":\"bad_json\",\"warn\":true,\"equivocation\":true,\"end\":5,"      \
	"\"begin\":4}],\"clock\":{\"boot\":\"b\",\"anchor\":{\"second\":5,\"boot_s\":1,\"boot_"    \
	"ns\":"                                                                                    \
	"2},\"mark\":{\"second\":5,\"boot_s\":1,\"boot_ns\":2},\"suspect\":true},"                 \
	"\"reset\":{\"count\":1,\"before\":2,\"after\":3}}"
#define CONFIG                                                                                     \
	"{\"pull\":[{\"name\":\"a\",\"url\":\"https://h.example:1/x?y\",\"interval\":60,"          \
	"\"timeout\":2,\"max_bytes\":9,\"ca\":\"/c\",\"proxy\":\"http://[::1]:2\","                \
	"\"token_file\":\"/t\"},{\"name\":\"b\",\"revocations\":\"https://h/\"}],\"notify\":["     \
	"{\"exec\":[\"/x\",\"y\"],\"events\":[\"license_*\"]},{\"webhook\":"                       \
	"\"http://127.0.0.1:1/\",\"tries\":3},{\"webhook\":\"https://h/\"}]}"
#define MEMORY                                                                                     \
	"{\"url\":\"https://h/\",\"etag\":\"\\\"x\\\"\",\"last_modified\":\"Wed\",\"file\":"       \
	"\"a~0.lic\",\"sha256\":"                                                                  \
	"\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\","                    \
	"\"renew_ahead\":\"\",\"last_success\":1800000000}"

#define META                                                                                       \
	"\"metadata\":{\"name\":\"a\",\"namespace\":\"n\",\"uid\":\"u\",\"resourceVersion\":"      \
	"\"1\",\"generation\":2}"
#define SECRET                                                                                     \
	"{" META ",\"data\":{\"license.key\":\"YQ==\",\"a.rl\":\"Yg==\",\"t.jwks\":\"Yw==\"}}"
#define PORTLICENSE                                                                                \
	"{" META ",\"spec\":{\"token\":\"a.b.c\"},\"status\":{\"expires\":\"2027-01-15T08:00:"     \
	"00Z\",\"conditions\":[{"                                                                  \
	"\"type\":\"InForce\",\"status\":\"True\",\"reason\":\"Active\",\"message\":\"\"},{"       \
	"\"type\":\"ExpiringSoon\","                                                               \
	"\"status\":\"True\",\"reason\":\"Within7Days\"}]}}"
#define BY_SECRET "{" META ",\"spec\":{\"secretRef\":{\"name\":\"s\",\"key\":\"k.lic\"}}}"
#define PORTPOLICY                                                                                 \
	"{" META                                                                                   \
	",\"spec\":{\"match\":{\"gates\":[\"*\"]},\"ports\":[{\"port\":9443,\"seats\":3}]}}"
#define LEASE                                                                                      \
	"{\"metadata\":{\"name\":\"l\",\"uid\":\"u\",\"resourceVersion\":\"1\",\"annotations\":{"  \
	"\"portlic.dev/report\":"                                                                  \
	"\"{}\"}},\"spec\":{\"holderIdentity\":\"n1\",\"leaseDurationSeconds\":15,\"renewTime\":"  \
	"\"t\",\"leaseTransitions\":1}}"
#define KUBE_EVENTS                                                                                \
	"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"7\","  \
	"\"annotations\":{\"k\":\"\\u0000]}\\\"\"}}}}\n{\"type\":\"BOOKMARK\",\"object\":{"        \
	"\"metadata\":{"                                                                           \
	"\"resourceVersion\":\"8\"},\"spec\":{\"containers\":null}}}\n{\"type\":\"ERROR\","        \
	"\"object\":{\"kind\":"                                                                    \
	"\"Status\",\"message\":\"too old\",\"code\":410}}\n"
#define KUBE_LIST                                                                                  \
	"{\"kind\":\"PodList\",\"metadata\":{\"resourceVersion\":\"9\",\"continue\":\"eyJ=\"},"    \
	"\"items\":["                                                                              \
	"{\"metadata\":{\"name\":\"items\"}},{\"items\":[{}]}\n]}\n"
#define POD_UID "de7cc372-9aaa-4d36-8403-7035046ee8d8"
#define POD                                                                                        \
	"{\"metadata\":{\"uid\":\"" POD_UID                                                        \
	"\",\"namespace\":\"shop\",\"name\":\"web-abc-1\",\"creationTimestamp\":"                  \
	"\"2026-11-22T20:37:21Z\",\"deletionTimestamp\":null,\"labels\":{\"app\":\"web\","         \
	"\"pod-template-hash\":\"abc\"},\"annotations\":{\"portlic.dev/mode\":\"audit\","          \
	"\"kubernetes.io/config.mirror\":\"0\"},\"ownerReferences\":[{\"kind\":\"ReplicaSet\","    \
	"\"name\":\"web-abc\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n1\","               \
	"\"hostNetwork\":false,\"initContainers\":null,\"containers\":[{\"ports\":[{\"name\":"     \
	"\"http\",\"containerPort\":8080}],\"livenessProbe\":{\"httpGet\":{\"port\":\"http\","     \
	"\"host\":\"10.0.0.1\"}},\"readinessProbe\":{\"tcpSocket\":{\"port\":1}},"                 \
	"\"startupProbe\":{\"grpc\":{\"port\":9}},\"lifecycle\":{\"preStop\":{\"httpGet\":"        \
	"{\"port\":\"80\"}}}}]},\"status\":{\"phase\":\"Running\",\"podIP\":\"10.0.0.1\","         \
	"\"podIPs\":[{\"ip\":\"fd00::1\"}],\"containerStatuses\":[{\"containerID\":"               \
	"\"containerd://aa\"}]}}"
#define KEPT_POD                                                                                   \
	"{\"uid\":\"" POD_UID                                                                      \
	"\",\"namespace\":\"a\",\"name\":\"b\",\"node\":null,\"probes\":[80],\"labels\":{},"       \
	"\"annotations\":{\"portlic.dev/x\":\"\"},\"host_network\":true,\"created\":5}"
#define PEERS                                                                                      \
	"{\"version\":1,\"namespaces\":[{\"name\":\"shop\",\"labels\":{\"team\":\"x\"}}],"         \
	"\"feeds\":[{"                                                                             \
	"\"namespace\":null,\"selector\":\"\",\"pods\":[[\"u1\",\"shop\",7,\"10.1.0.1\",\"fd00::"  \
	"1\"],["                                                                                   \
	"\"u2\",\"bank\",8,\"10.1.0.1\"]]}]}"
#define NODE                                                                                       \
	"{\"metadata\":{\"name\":\"n1\"},\"spec\":{\"podCIDRs\":[\"10.244.1.0/24\",\"fd00::/"      \
	"64\"]},"                                                                                  \
	"\"status\":{\"addresses\":[{\"type\":\"InternalIP\",\"address\":\"10.0.0.1\"}]}}"
#define KEPT_NODES                                                                                 \
	"{\"version\":1,\"nodes\":[{\"name\":\"n1\",\"addresses\":[\"10.0.0.1/32\"],\"pods\":["    \
	"\"10.244.1.0/24\"]}]}"
#define SELECTOR                                                                                   \
	"{\"selector\":{\"matchLabels\":{\"a.b/c\":\"d\"},\"matchExpressions\":[{\"key\":"         \
	"\"app\",\"operator\":\"NotIn\",\"values\":[\"x\",\"\"]},{\"key\":\"e\",\"operator\":"     \
	"\"Exists\"},{\"key\":\"f\",\"operator\":\"DoesNotExist\"}]},\"labels\":{\"app\":\"web\"}" \
	"}"
#define POD_POLICY                                                                                 \
	"{\"name\":\"k\",\"probes\":false,\"match\":{\"namespaces\":[\"shop\",\"kube-system\"],"   \
	"\"podSelector\":{\"matchLabels\":{\"app\":\"web\"}},\"namespaceSelector\":{}},\"ports\":" \
	"[{\"port\":1,\"from\":[{\"podSelector\":{}},{\"namespaceSelector\":{"                     \
	"\"matchExpressions\":"                                                                    \
	"[{\"key\":\"a\",\"operator\":\"In\",\"values\":[\"b\"]}]}},{\"cidr\":\"10.0.0.0/8\"}]}]}"
#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static const struct {
	char mode;
	const char *text;
} seeds[] = {
	{FUZZ_CLAIMS, LICENSE},
	{FUZZ_CLAIMS, BOUND},
	{FUZZ_HEADER, "{\"alg\":\"EdDSA\",\"typ\":\"portlic+jwt\",\"kid\":\"" FUZZ_KID "\"}"},
	{FUZZ_JSON, "[{\"a\":-0.5e+3},\"\\ud83d\\ude00\\n\",true,false,null,{},[],1e400]"},
	{FUZZ_JSON,
	 "{\"a\":{\"\\u0061\":1,\"b\":0.0000000000000000000000000000000000000000000000000000001}}"},
	{FUZZ_TRUST, TRUST},
	{FUZZ_LIST, LIST},
	{FUZZ_POLICY, POLICY},
	{FUZZ_PRIVATE, PRIVATE},
	{FUZZ_HISTORY, HISTORY},
	{FUZZ_PORTS, "9443,9500-9599,1-65535"},
	{FUZZ_MOMENT, "2027-01-01T00:00:00.5+01:30"},
	{FUZZ_MOMENT, "+30d"},
	{FUZZ_CONFIG, CONFIG},
	{FUZZ_MEMORY, MEMORY},
	{FUZZ_RESOURCE, SECRET},
	{FUZZ_RESOURCE, PORTLICENSE},
	{FUZZ_RESOURCE, BY_SECRET},
	{FUZZ_RESOURCE, PORTPOLICY},
	{FUZZ_RESOURCE, LEASE},
	{FUZZ_REPORT,
	 "{\"generation\":12,\"licenses\":{\"secret:a:license.key\":\"active:9f86d081\"}}"},
	{FUZZ_SEATS,
	 "{\"iss\":\"i\",\"lid\":\"l\",\"ports\":[\"80/tcp\",\"53/udp\"],\"nodes\":{\"node-a\":[5,"
	 "3],\"node-b\":[0,1]},\"waiting\":{\"80/tcp\":[\"node-b\"]}}"},
	{FUZZ_EVENTS, KUBE_EVENTS},
	{FUZZ_OBJECTS, KUBE_LIST},
	{FUZZ_POLICY, POD_POLICY},
	{FUZZ_POD, POD},
	{FUZZ_POD, KEPT_POD},
	{FUZZ_SELECTOR, SELECTOR},
	{FUZZ_PEERS, PEERS},
	{FUZZ_NODE, NODE},
	{FUZZ_NODE, KEPT_NODES},
	{FUZZ_CGROUP, "/a/kubepods/besteffort/pod" POD_UID "/" ID},
	{FUZZ_CGROUP, "/kubepods.slice/kubepods-podde7cc372_9aaa_4d36_8403_7035046ee8d8.slice"
		      "/cri-containerd-" ID ".scope"},
};

static int write_seed(const char *dir, int number, char mode, const void *bytes, size_t len)
{
	char path[4096];
	FILE *f;
	int r;

	snprintf(path, sizeof(path), "%s/%02d-%c", dir, number, mode);
	f = fopen(path, "we");
	if (!f) {
		perror(path);
		return 1;
	}
	fputc(mode, f);
	fwrite(bytes, 1, len, f);
	r = ferror(f) != 0;
	return fclose(f) || r;
}

static int write_token(const char *dir, int number, char mode, const char *typ, const char *payload)
{
	uint8_t seed[32];
	struct jwk key;
	char *token;
	int r;

	memset(seed, FUZZ_SEED_BYTE, sizeof(seed));
	if (jwk_from_seed(seed, FUZZ_KID, &key) ||
	    jws_sign(key.secret_key, "EdDSA", typ, FUZZ_KID, payload, strlen(payload), &token))
		return 1;
	r = write_seed(dir, number, mode, token, strlen(token));
	free(token);
	return r;
}

static int copy_file(const char *dir, int number, char mode, const char *path)
{
	static char bytes[65536];
	FILE *f = fopen(path, "re");
	size_t len;

	if (!f) {
		perror(path);
		return 1;
	}
	len = fread(bytes, 1, sizeof(bytes), f);
	fclose(f);
	return write_seed(dir, number, mode, bytes, len);
}

int main(int argc, char **argv)
{
	int n = 0, r = argc < 2;

	for (size_t i = 0; !r && i < ARRAY_SIZE(seeds); i++)
		r = write_seed(argv[1], n++, seeds[i].mode, seeds[i].text, strlen(seeds[i].text));
	r = r || write_token(argv[1], n++, FUZZ_TOKEN, JWS_TYP_LICENSE, LICENSE);
	r = r || write_token(argv[1], n++, FUZZ_TOKEN, JWS_TYP_LICENSE, BOUND);
	r = r || write_token(argv[1], n++, FUZZ_LIST_FILE, JWS_TYP_REVOCATION, LIST);
	for (int i = 2; !r && i + 1 < argc; i += 2)
		r = copy_file(argv[1], n++, argv[i][0], argv[i + 1]);
	return r;
}
