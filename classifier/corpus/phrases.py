"""Phrases of ordinary mail and of spam, in ten languages: the words that generated mail is made of."""

from __future__ import annotations

#: Per language: subjects and sentences of ordinary mail. {n} is a number, {w} an invented name.
ORDINARY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        ("Minutes of Monday", "Offer {n}", "Re: your visit in May", "Invoice {n}", "Meeting on Thursday", "Draft of the report", "Holiday plans", "Question about order {n}", "Lunch?", "Keys for the office", "Re: server room", "Photos from the weekend", "Timetable {w}", "Contract with {w}", "Feedback on chapter {n}", "Your booking {n}", "Parts for machine {n}", "Thanks!"),
        ("please find the minutes below.", "I will be in the office until four.", "Could you send me the figures for last month?", "The parts for machine {n} came this morning.", "We would like to order {n} more of them.", "Let us talk about it on Thursday.", "The train was late again, sorry.", "Attached is the draft; page {n} still needs work.", "Our colleague from {w} will join us.", "Thank you for the quick answer.", "The room is booked from ten to noon.", "I have changed the second paragraph as you asked.", "Do you still have the key for the archive?", "The children are fine and send their love.", "Please pay the amount within thirty days.", "The meeting was moved to next week.", "I will call you tomorrow."),
    ),
    "de": (
        ("Protokoll vom Montag", "Angebot {n}", "Re: Ihr Besuch im Mai", "Rechnung {n}", "Termin am Donnerstag", "Entwurf des Berichts", "Urlaubsplanung", "Frage zur Bestellung {n}", "Mittagessen?", "Schlüssel fürs Büro", "AW: Serverraum", "Fotos vom Wochenende", "Vertrag mit {w}", "Ihre Buchung {n}"),
        ("anbei das Protokoll der letzten Sitzung.", "ich bin heute bis vier Uhr im Büro.", "Könnten Sie mir bitte die Zahlen vom letzten Monat schicken?", "Die Teile für Maschine {n} sind heute früh gekommen.", "Wir möchten davon noch {n} Stück bestellen.", "Lassen Sie uns am Donnerstag darüber sprechen.", "Vielen Dank für die schnelle Antwort.", "Der Raum ist von zehn bis zwölf gebucht.", "Den zweiten Absatz habe ich wie gewünscht geändert.", "Bitte überweisen Sie den Betrag innerhalb von dreißig Tagen.", "Die Sitzung wurde auf nächste Woche verschoben.", "Viele Grüße aus der Werkstatt."),
    ),
    "fr": (
        ("Compte rendu de lundi", "Devis {n}", "Re: votre visite en mai", "Facture {n}", "Réunion de jeudi", "Projet de rapport", "Question sur la commande {n}", "Déjeuner ?", "Photos du week-end", "Contrat avec {w}"),
        ("vous trouverez le compte rendu ci-dessous.", "Je serai au bureau jusqu'à seize heures.", "Pourriez-vous m'envoyer les chiffres du mois dernier ?", "Les pièces de la machine {n} sont arrivées ce matin.", "Nous souhaitons en commander encore {n}.", "Parlons-en jeudi.", "Merci pour votre réponse rapide.", "La salle est réservée de dix heures à midi.", "La réunion est reportée à la semaine prochaine.", "Je vous appelle demain."),
    ),
    "es": (
        ("Acta del lunes", "Presupuesto {n}", "Re: su visita en mayo", "Factura {n}", "Reunión del jueves", "Borrador del informe", "Consulta sobre el pedido {n}", "¿Comemos?", "Fotos del fin de semana", "Contrato con {w}"),
        ("a continuación le envío el acta.", "Estaré en la oficina hasta las cuatro.", "¿Podría enviarme las cifras del mes pasado?", "Las piezas de la máquina {n} llegaron esta mañana.", "Queremos pedir {n} más.", "Hablemos de ello el jueves.", "Gracias por la rápida respuesta.", "La sala está reservada de diez a doce.", "La reunión se ha aplazado a la próxima semana.", "Te llamo mañana."),
    ),
    "it": (
        ("Verbale di lunedì", "Offerta {n}", "Re: la sua visita di maggio", "Fattura {n}", "Riunione di giovedì", "Bozza della relazione", "Domanda sull'ordine {n}", "Pranzo?", "Foto del fine settimana", "Contratto con {w}"),
        ("in allegato il verbale.", "Sono in ufficio fino alle quattro.", "Potrebbe mandarmi i dati del mese scorso?", "I pezzi della macchina {n} sono arrivati stamattina.", "Vorremmo ordinarne altri {n}.", "Ne parliamo giovedì.", "Grazie per la risposta veloce.", "La sala è prenotata dalle dieci a mezzogiorno.", "La riunione è rinviata alla prossima settimana."),
    ),
    "nl": (
        ("Notulen van maandag", "Offerte {n}", "Re: uw bezoek in mei", "Factuur {n}", "Afspraak donderdag", "Concept van het rapport", "Vraag over bestelling {n}", "Lunch?", "Foto's van het weekend", "Contract met {w}"),
        ("hierbij de notulen.", "Ik ben tot vier uur op kantoor.", "Kunt u mij de cijfers van vorige maand sturen?", "De onderdelen voor machine {n} zijn vanochtend gekomen.", "Wij willen er nog {n} bestellen.", "Laten we het donderdag bespreken.", "Dank voor het snelle antwoord.", "De zaal is van tien tot twaalf geboekt.", "De vergadering is verplaatst naar volgende week."),
    ),
    "pt": (
        ("Ata de segunda-feira", "Orçamento {n}", "Re: a sua visita em maio", "Fatura {n}", "Reunião de quinta-feira", "Rascunho do relatório", "Dúvida sobre a encomenda {n}", "Almoço?", "Fotografias do fim de semana", "Contrato com {w}"),
        ("segue abaixo a ata.", "Estarei no escritório até às quatro.", "Pode enviar-me os números do mês passado?", "As peças da máquina {n} chegaram esta manhã.", "Queremos encomendar mais {n}.", "Falamos disso na quinta-feira.", "Obrigado pela resposta rápida.", "A sala está reservada das dez ao meio-dia.", "A reunião foi adiada para a próxima semana."),
    ),
    "pl": (
        ("Protokół z poniedziałku", "Oferta {n}", "Re: Państwa wizyta w maju", "Faktura {n}", "Spotkanie w czwartek", "Szkic raportu", "Pytanie o zamówienie {n}", "Obiad?", "Zdjęcia z weekendu", "Umowa z {w}"),
        ("w załączeniu protokół.", "Będę w biurze do czwartej.", "Czy może Pani przesłać dane za zeszły miesiąc?", "Części do maszyny {n} przyszły dziś rano.", "Chcemy zamówić jeszcze {n} sztuk.", "Porozmawiajmy o tym w czwartek.", "Dziękuję za szybką odpowiedź.", "Sala jest zarezerwowana od dziesiątej do dwunastej.", "Spotkanie przełożono na przyszły tydzień."),
    ),
    "ru": (
        ("Протокол понедельника", "Предложение {n}", "Re: ваш визит в мае", "Счёт {n}", "Встреча в четверг", "Черновик отчёта", "Вопрос по заказу {n}", "Обед?", "Фотографии с выходных", "Договор с {w}"),
        ("протокол смотрите ниже.", "Я в офисе до четырёх.", "Пришлите, пожалуйста, цифры за прошлый месяц.", "Детали для станка {n} пришли сегодня утром.", "Мы хотим заказать ещё {n} штук.", "Давайте обсудим это в четверг.", "Спасибо за быстрый ответ.", "Комната занята с десяти до двенадцати.", "Встреча перенесена на следующую неделю."),
    ),
    "ja": (
        ("月曜日の議事録", "見積書 {n}", "Re: 五月のご訪問", "請求書 {n}", "木曜日の打ち合わせ", "報告書の下書き", "注文 {n} について", "お昼ご飯", "週末の写真"),
        ("議事録をお送りします。", "四時まで事務所におります。", "先月の数字を送っていただけますか。", "機械 {n} の部品が今朝届きました。", "あと {n} 個注文したいと思います。", "木曜日に相談しましょう。", "早速のお返事ありがとうございます。", "会議室は十時から十二時まで予約してあります。", "会議は来週に延期されました。"),
    ),
}  # fmt: skip

#: The same of spam: what is advertised, threatened and phished.
SPAM: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "en": (
        ("You have won {n},000 dollars", "Cheap pills, no prescription", "Your mailbox is full", "Re: Payment {n}", "Lose weight fast!!!", "Your account was suspended", "Hot stock tip: {w}", "Final notice", "I recorded you", "Work from home, earn {n} a day", "Replica watches -80%", "Parcel {n} could not be delivered", "Confidential business proposal", "Loan approved", "Meet singles near you"),
        ("Click here to claim your prize now!", "Buy our pills at the lowest price on the net.", "Your password expires today, confirm your account.", "I am a barrister and handle the estate of late Mr. {w}.", "Double your income in {n} days, guaranteed.", "Limited offer: {n}% off all luxury watches.", "Your parcel waits; pay the customs fee of {n} dollars.", "Send {n} dollars in bitcoin or I publish the video.", "This stock is going to explode on Monday.", "No prescription needed, discreet shipping worldwide.", "Beautiful women want to meet you tonight.", "You have been pre-approved for a loan of {n},000.", "Unsubscribe by replying with REMOVE.", "Act now, this offer ends at midnight!"),
    ),
    "de": (
        ("Sie haben {n}.000 Euro gewonnen", "Ihr Konto wurde gesperrt", "Abnehmen ohne Diät", "Letzte Mahnung {n}", "Paket {n} wartet", "Kredit ohne Schufa", "Casino Bonus {n} Euro", "Günstige Potenzmittel"),
        ("Klicken Sie hier und sichern Sie sich Ihren Gewinn!", "Ihr Konto wurde eingeschränkt, bitte bestätigen Sie Ihre Daten.", "Nur heute {n}% Rabatt auf alle Uhren.", "Sofortkredit bis {n}.000 Euro ohne Prüfung.", "Ihr Paket liegt beim Zoll, zahlen Sie {n} Euro.", "Verdienen Sie {n} Euro am Tag von zu Hause.", "Ohne Rezept, diskrete Lieferung."),
    ),
    "fr": (
        ("Vous avez gagné {n} 000 euros", "Votre compte est suspendu", "Colis {n} en attente", "Prêt rapide sans dossier", "Maigrir vite"),
        ("Cliquez ici pour recevoir votre gain !", "Votre compte est limité, confirmez vos données.", "Votre colis est bloqué, réglez {n} euros de frais.", "Crédit jusqu'à {n} 000 euros sans justificatif.", "Gagnez {n} euros par jour depuis chez vous."),
    ),
    "es": (
        ("Ha ganado {n}.000 euros", "Su cuenta ha sido bloqueada", "Paquete {n} pendiente", "Préstamo inmediato", "Adelgace ya"),
        ("¡Haga clic aquí para cobrar su premio!", "Su cuenta está limitada, confirme sus datos.", "Su paquete está retenido, pague {n} euros.", "Crédito de {n}.000 euros sin aval.", "Gane {n} euros al día desde casa."),
    ),
    "it": (
        ("Hai vinto {n}.000 euro", "Il tuo conto è sospeso", "Pacco {n} in giacenza", "Prestito immediato"),
        ("Clicca qui per ritirare il premio!", "Il tuo conto è limitato, conferma i dati.", "Il pacco è bloccato, paga {n} euro.", "Guadagna {n} euro al giorno da casa."),
    ),
    "nl": (
        ("U heeft {n}.000 euro gewonnen", "Uw rekening is geblokkeerd", "Pakket {n} wacht op u", "Snel geld lenen"),
        ("Klik hier voor uw prijs!", "Uw rekening is beperkt, bevestig uw gegevens.", "Betaal {n} euro voor uw pakket.", "Verdien {n} euro per dag vanuit huis."),
    ),
    "pt": (
        ("Você ganhou {n}.000 reais", "Sua conta foi bloqueada", "Encomenda {n} retida", "Empréstimo imediato"),
        ("Clique aqui para receber o seu prémio!", "A sua conta foi limitada, confirme os dados.", "Pague {n} euros para libertar a encomenda.", "Ganhe {n} por dia em casa."),
    ),
    "pl": (
        ("Wygrałeś {n} tysięcy", "Twoje konto zostało zablokowane", "Paczka {n} czeka", "Szybka pożyczka"),
        ("Kliknij tutaj i odbierz nagrodę!", "Twoje konto jest ograniczone, potwierdź dane.", "Dopłać {n} zł do paczki.", "Zarabiaj {n} zł dziennie w domu."),
    ),
    "ru": (
        ("Вы выиграли {n} 000 рублей", "Ваш счёт заблокирован", "Посылка {n} ожидает", "Кредит без справок", "Обучение персонала"),
        ("Нажмите здесь, чтобы получить приз!", "Ваш счёт ограничен, подтвердите данные.", "Оплатите {n} рублей за доставку.", "Зарабатывайте {n} рублей в день.", "Рассылка рекламы по миллионам адресов."),
    ),
    "ja": (
        ("{n}万円が当選しました", "アカウントが停止されました", "お荷物 {n} のお届け", "即日融資"),
        ("今すぐクリックして賞金を受け取ってください。", "アカウントを確認してください。", "送料 {n} 円をお支払いください。", "在宅で一日 {n} 円稼げます。"),
    ),
}  # fmt: skip

GREETINGS = {
    "en": ("Dear {p},", "Hello {p},", "Hi,"),
    "de": ("Liebe Frau {p},", "Hallo {p},", "Guten Tag,"),
    "fr": ("Bonjour {p},", "Madame, Monsieur,"),
    "es": ("Hola {p}:", "Estimados señores:"),
    "it": ("Gentile {p},", "Ciao,"),
    "nl": ("Beste {p},", "Hallo,"),
    "pt": ("Caro {p},", "Olá,"),
    "pl": ("Dzień dobry,", "Witam,"),
    "ru": ("Здравствуйте, {p}!", "Добрый день,"),
    "ja": ("{p} 様", "お世話になっております。"),
}
CLOSINGS = {
    "en": ("Kind regards", "Cheers", "Best"),
    "de": ("Mit freundlichen Grüßen", "Viele Grüße"),
    "fr": ("Cordialement", "Bien à vous"),
    "es": ("Un saludo", "Atentamente"),
    "it": ("Cordiali saluti", "A presto"),
    "nl": ("Met vriendelijke groet", "Groeten"),
    "pt": ("Com os melhores cumprimentos", "Abraço"),
    "pl": ("Pozdrawiam", "Z poważaniem"),
    "ru": ("С уважением", "Всего доброго"),
    "ja": ("よろしくお願いいたします。", "以上"),
}
