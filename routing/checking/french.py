"""What a finding's detail says, in French. A vendor's own words within it stay as they are. ◇"""

from __future__ import annotations

# Longer phrases before those that stand within them.
PHRASES = (
    ("cannot be reached", "injoignable"),
    ("the connection broke", "la connexion a été rompue"),
    ("the answer took too long", "la réponse a pris trop de temps"),
    ("took too long", "délai dépassé"),
    ("the key was rejected", "la clé a été refusée"),
    ("the provider does not know this", "inconnu du fournisseur"),
    ("the key's rate limit or quota is used up", "la limite de débit ou le quota de la clé est épuisé"),
    ("the stream ended before the answer did", "le flux s'est terminé avant la réponse"),
    ("the reply is not what the format promises", "la réponse n'est pas conforme au format"),
    ("the provider refused the content", "le fournisseur a refusé le contenu"),
    ("the provider failed", "le fournisseur a échoué"),
    ("the request was refused", "la requête a été refusée"),
    ("no connection in time", "pas de connexion à temps"),
    ("no answer in time", "pas de réponse à temps"),
    ("no content in time", "pas de contenu à temps"),
    ("silence in the middle of the answer", "silence au milieu de la réponse"),
    ("connection refused", "connexion refusée"),
    ("the host name could not be resolved", "le nom d'hôte n'a pas pu être résolu"),
    ("the reason is not known", "raison inconnue"),
    ("(not asked again)", "(pas redemandé)"),
    ("[sent without a key]", "[envoyé sans clé]"),
    ("[key ", "[clé "),
    ("; the key ", "; la clé "),
    (" answered", " a répondu"),
    ("a fault of the gateway's own", "une erreur de la passerelle elle-même"),
    ("upstreams know no", "ne connaît pas l'opération"),
    ("its answers cannot be kept short and cheap: name it with --model to try it",
     "ses réponses ne peuvent rester courtes et bon marché : le nommer avec --model pour l'essayer"),
    ("the answer is not an object", "la réponse n'est pas un objet"),
    ("the answer is empty", "la réponse est vide"),
    ("there are none", "il n'y en a pas"),
    ("not an object with choices", "pas un objet avec choices"),
    ("the stream holds no chunk", "le flux est vide"),
    ("id, created and model are not the same in all chunks", "id, created et model changent au cours du flux"),
    ("no finish_reason was sent", "aucun finish_reason n'a été envoyé"),
    ("something follows the finish_reason", "quelque chose suit le finish_reason"),
    ("a choice without a delta", "un choix sans delta"),
    ("a relevance_score is not a number", "un relevance_score n'est pas un nombre"),
    ("not in the order of their scores", "pas dans l'ordre des scores"),
    ("expected each document once, by its index", "chaque document attendu une fois, par son index"),
    ("expected whole numbers of tokens", "nombres entiers de tokens attendus"),
    ("expected one of ", "attendu l'un de "),
    ("expected one embedding", "un seul vecteur attendu"),
    ("expected a list of numbers", "liste de nombres attendue"),
    ("expected a list", "liste attendue"),
    ("expected a whole number", "nombre entier attendu"),
    ("expected a string", "texte attendu"),
    ("expected text or null", "texte ou null attendu"),
    ("expected text", "texte attendu"),
    ("expected an object", "objet attendu"),
    ("expected object", "objet attendu :"),
    ("expected '", "attendu : '"),
    ("tokens are not", "tokens ne font pas"),
)  # fmt: skip


def in_french(detail: str) -> str:
    """``detail`` with our own phrases in French."""
    for english, french in PHRASES:
        detail = detail.replace(english, french)
    return detail
